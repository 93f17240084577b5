#!/usr/bin/env bash
# What a job needs: uv and the locked environment; with `docker`, what moves images too.
# usage: deploy/setup.sh [docker]
set -euo pipefail
command -v uv > /dev/null || python3 -m pip install --quiet uv==0.11.6
if [[ ${1:-} == docker ]] && ! command -v docker skopeo jq > /dev/null; then
  apt-get update -qq
  apt-get install --yes -qq docker.io skopeo jq
fi
uv sync --locked --quiet
