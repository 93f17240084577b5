#!/usr/bin/env bash
# Bring an image to an environment: over SSH to the host that DEPLOY_HOST names (user@host), and
# the pointer follows. Without DEPLOY_HOST the pointer moves alone. The host needs Docker, and its own
# `docker login` where the registry is private.
# usage: deploy/deploy.sh ENVIRONMENT NAME@sha256:…
set -euo pipefail
environment=$1 image=$2 here=$(dirname "$0")
port=${DEPLOY_PORT:-$([[ $environment == production ]] && echo 8080 || echo 8081)}
if [[ -n ${DEPLOY_HOST:-} ]]; then
  keys=$(mktemp --directory)
  trap 'rm --recursive --force "$keys"' EXIT
  (umask 077 && printf '%s\n' "${DEPLOY_SSH_KEY:?the private key of $DEPLOY_HOST}" > "$keys/key")
  printf '%s\n' "${DEPLOY_KNOWN_HOSTS:?what ssh-keyscan says of $DEPLOY_HOST}" > "$keys/hosts"
  ssh=(ssh -i "$keys/key" -o "UserKnownHostsFile=$keys/hosts" -o BatchMode=yes "$DEPLOY_HOST")
  "${ssh[@]}" "mkdir -p model-$environment && cat > model-$environment/compose.yaml" < "$here/compose.yaml"
  "${ssh[@]}" "cd model-$environment && IMAGE=$image PORT=$port \
    docker compose up --detach --wait --remove-orphans"
else
  echo "No DEPLOY_HOST: the pointer moves alone."
fi
bash "$here/point.sh" "$environment" "$image"
