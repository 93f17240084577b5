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
told='{.spec.activeDeadlineSeconds}/{.status.conditions[?(@.status=="True")].type}'
unanswered=0 limit="" SECONDS=0
while true; do
  if found=$(ask get job/training --request-timeout 30s --output jsonpath="$told"); then
    unanswered=0 limit=${found%%/*} ended=${found#*/}
    [[ $ended =~ Complete|Failed ]] && break
  elif ((++unanswered == 5)); then # an outage passes; a login that ran out, or a deleted Job, does not
    echo "kubectl could not ask for job/training, $unanswered times in a row: nobody knows how it ends." >&2
    exit 2
  fi
  if [[ $limit ]] && ((SECONDS > limit)); then
    echo "job/training has not ended in the $limit seconds that it is allowed: nobody waits any longer." >&2
    exit 2
  fi
  sleep "${TRAIN_SECONDS:-5}"
done
ask logs job/training --container training
[[ $ended == *Complete* ]]
