#!/usr/bin/env bash
# Build the image of what a training has packed, and ask it the golden rows.
# usage: deploy/image.sh OUTCOME NAME:TAG
set -euo pipefail
outcome=$1 image=$2 bundle=.ml/bundles/new
if [[ ! -d $outcome/bundle ]]; then
  echo "Nothing was kept, and nobody is champion: no image."
  exit 0
fi
rm -rf "$bundle"
sh .github/state unpack "$outcome" "$bundle"
DOCKER_BUILDKIT=1 docker build --quiet --file deploy/Dockerfile --tag "$image" \
  --build-arg BUNDLE="$bundle" \
  --build-arg VERSION="$(sha256sum "$bundle/manifest.json" | cut -c 1-12)" \
  --build-arg COMMIT="$(jq --raw-output '.git_commit // ""' "$bundle/manifest.json")" \
  --build-arg DATA="$(jq --raw-output '.data_id' "$bundle/manifest.json")" .
bash deploy/smoke.sh "$image"
