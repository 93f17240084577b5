#!/usr/bin/env bash
# Bring an image to an environment: to the cluster of KUBE_CONFIG, as kubernetes/overlays/ENVIRONMENT
# has it, and the pointer follows. Without KUBE_CONFIG the pointer moves alone. CANARY names
# another image for the canary, where the overlay has one.
# usage: deploy/deploy.sh ENVIRONMENT NAME@sha256:…
set -euo pipefail
environment=$1 image=$2 canary=${CANARY:-$2} here=$(dirname "$0")
rolled() { # until KServe has changed its Deployment, the old pods keep the InferenceService Ready
  local predictor=deployment/model-predictor tries=60
  until [[ $(ask get "$predictor" --ignore-not-found --request-timeout 30s \
    --output jsonpath='{.spec.template.spec.containers[*].image}') == *"$image"* ]]; do
    if ((--tries == 0)); then
      echo "KServe has not given $predictor the image $image." >&2
      return 1
    fi
    sleep "${KSERVE_SECONDS:-5}"
  done
  ask rollout status "$predictor" --timeout 300s
}
if [[ -n ${KUBE_CONFIG:-} ]]; then
  # shellcheck source-path=SCRIPTDIR source=cluster.sh
  . "$here/cluster.sh"
  open_cluster "model-$environment" "$environment" "model=$image" "model-canary=$canary"
  applied=$(apply | tee /dev/stderr)
  case $applied in # whoever makes the pods says when they are ready; the golden rows are asked next
    *inferenceservice*)
      rolled
      ask wait inferenceservice/model --for condition=Ready --timeout 300s
      ;;
    *seldondeployment*) ask wait seldondeployment/model --for jsonpath='{.status.state}'=Available --timeout 300s ;;
    *) ask rollout status deployment/model --timeout 300s ;;
  esac
else
  echo "No KUBE_CONFIG: the pointer moves alone."
fi
bash "$here/point.sh" "$environment" "$image"
