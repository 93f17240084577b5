#!/usr/bin/env bash
# Train in the cluster of KUBE_CONFIG, with the image that deploy/training.Dockerfile makes: every week
# from now on (`schedule`), or once (`now`), which tells what the training said and ends as it ended.
# usage: deploy/train.sh schedule|now NAME@sha256:…
set -euo pipefail
when=$1 image=$2
: "${KUBE_CONFIG:?the cluster and who you are there, as kubectl reads it}"
case $when in
  schedule) place=training ;;
  now) place=training-now ;;
  *) echo "$when: schedule or now?" >&2 && exit 2 ;;
esac
# shellcheck source-path=SCRIPTDIR source=cluster.sh
. "$(dirname "$0")/cluster.sh"
open_cluster model-training "$place" "training=$image"
if [[ $when == schedule ]]; then
  apply
  exit
fi
ask delete job/training --ignore-not-found --wait # a job cannot be changed
apply
until ended=$(ask get job/training --output \
  jsonpath='{.status.conditions[?(@.status=="True")].type}') && [[ $ended =~ Complete|Failed ]]; do
  sleep "${TRAIN_SECONDS:-5}"
done
ask logs job/training --container training
[[ $ended == *Complete* ]]
