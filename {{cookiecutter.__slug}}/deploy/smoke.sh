#!/usr/bin/env bash
# Ask the golden rows of an image's bundle, over HTTP, and compare the answers with those that the
# model gave when it was made. With an address it is the service there that is asked.
# usage: deploy/smoke.sh IMAGE [http://…]
set -euo pipefail
image=$1 url=${2:-}
if [[ -n $url ]]; then
  docker run --rm --network host "$image" --smoke "$url" --wait "${SMOKE_SECONDS:-300}"
  exit
fi
name=smoke-$$
trap 'docker rm --force "$name" > /dev/null' EXIT
docker run --detach --name "$name" --read-only --cap-drop ALL \
  --security-opt no-new-privileges "$image" > /dev/null
docker exec "$name" ml-serve /bundle --smoke http://127.0.0.1:8080 || {
  docker logs "$name" >&2
  exit 1
}
