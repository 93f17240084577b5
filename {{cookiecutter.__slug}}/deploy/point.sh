#!/usr/bin/env bash
# Move an environment's pointer, a tag beside the image: hosts that follow it take the new one.
# usage: deploy/point.sh ENVIRONMENT NAME@sha256:…
set -euo pipefail
environment=$1 image=$2
bash "$(dirname "$0")/copy.sh" "docker://$image" "docker://${image%@*}:$environment"
echo "${image%@*}:$environment is ${image#*@}"
