#!/usr/bin/env bash
# Push an image that was laid out as files, if it has the digest that is named.
# usage: deploy/push.sh FOLDER sha256:… NAME
set -euo pipefail
folder=$1 digest=$2 name=${3,,}
found=$(jq --raw-output '.manifests[0].digest' "$folder/index.json")
if [[ $found != "$digest" ]]; then
  echo "$folder holds $found, not $digest: refused." >&2
  exit 4
fi
bash "$(dirname "$0")/copy.sh" "oci:$folder" "docker://$name:${digest:7:12}"
echo "$name@$digest"
