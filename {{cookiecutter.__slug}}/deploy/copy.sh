#!/usr/bin/env bash
# Copy an image between registries and folders; its digest stays what it is.
# usage: deploy/copy.sh docker://NAME@sha256:… docker://NAME:TAG
set -euo pipefail
tls=()
[[ $1 =~ ^docker://(127\.0\.0\.1|localhost): ]] && tls+=(--src-tls-verify=false)
[[ $2 =~ ^docker://(127\.0\.0\.1|localhost): ]] && tls+=(--dest-tls-verify=false)
exec skopeo copy --quiet --preserve-digests --retry-times 3 "${tls[@]}" "$1" "$2"
