#!/bin/sh
# Random passwords for the team's server, for its owner's eyes alone: deploy/mlflow/.env
set -eu
umask 077
cd "$(dirname "$0")"
[ ! -e .env ] || { echo "deploy/mlflow/.env is there already; nothing changed."; exit 0; }
for name in ADMIN_PASSWORD DATABASE_PASSWORD SESSION_KEY STORE_PASSWORD; do
  echo "$name=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')"
done > .env.part
mv .env.part .env
echo "deploy/mlflow/.env is written: ADMIN_PASSWORD lets the user admin in."
