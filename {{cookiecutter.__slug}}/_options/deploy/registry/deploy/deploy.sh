#!/usr/bin/env bash
# Bring an image to an environment: its pointer moves, and a host that follows it takes the image,
# for one with deploy/compose.yaml and `docker compose pull && docker compose up --detach` by timer.
# usage: deploy/deploy.sh ENVIRONMENT NAME@sha256:…
set -euo pipefail
exec bash "$(dirname "$0")/point.sh" "$@"
