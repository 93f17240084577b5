#!/usr/bin/env bash
# What a job needs: uv and the locked environment; with `docker`, what moves images too. Debian has no
# kubectl, so that has to be there where KUBE_CONFIG names a cluster.
# usage: deploy/setup.sh [docker]
set -euo pipefail
command -v uv > /dev/null || PIP_BREAK_SYSTEM_PACKAGES=1 python3 -m pip install --quiet uv==0.11.6
missing=()
if [[ ${1:-} == docker ]]; then
  for pair in docker:docker.io skopeo:skopeo jq:jq; do
    command -v "${pair%:*}" > /dev/null || missing+=("${pair#*:}")
  done
fi
if [[ ${#missing[@]} -gt 0 ]]; then
  echo "Missing here: ${missing[*]}"
  { apt-get update -qq && apt-get install --yes -qq "${missing[@]}"; } || {
    echo "apt-get could not install them: put ${missing[*]} on this machine." >&2
    exit 2
  }
fi
if [[ ${1:-} == docker && -n ${KUBE_CONFIG:-} && -d ${0%/*}/kubernetes ]] && ! command -v kubectl > /dev/null; then
  echo "KUBE_CONFIG names a cluster and kubectl is not here: use an image or agent that has it." >&2
  exit 2
fi
uv sync --locked --quiet
