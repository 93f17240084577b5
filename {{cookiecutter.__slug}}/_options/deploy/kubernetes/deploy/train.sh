#!/usr/bin/env bash
# Train in the cluster of KUBE_CONFIG, with the image that deploy/training.Dockerfile makes: every week
# from now on (`schedule`), or once (`now`), which tells what the training said and ends as it ended.
# usage: deploy/train.sh schedule|now NAME@sha256:…
set -euo pipefail
when=$1 image=$2 overlay=$(dirname "$0")/.overlay
: "${KUBE_CONFIG:?the cluster and who you are there, as kubectl reads it}"
case $when in
  schedule) place=training ;;
  now) place=training-now ;;
  *) echo "$when: schedule or now?" >&2 && exit 2 ;;
esac
mkdir -p "$overlay"
trap 'rm --recursive --force "$overlay"' EXIT
(umask 077 && printf '%s\n' "$KUBE_CONFIG" > "$overlay/config")
cat > "$overlay/kustomization.yaml" <<- END
	apiVersion: kustomize.config.k8s.io/v1beta1
	kind: Kustomization
	resources: [../kubernetes/overlays/$place]
	images:
	  - {name: training, newName: "${image%@*}", digest: "${image#*@}"}
	END
kubectl="kubectl --kubeconfig $overlay/config --namespace model-training"
if [[ $when == schedule ]]; then
  $kubectl apply --kustomize "$overlay"
  exit
fi
$kubectl delete job/training --ignore-not-found --wait # a job cannot be changed
$kubectl apply --kustomize "$overlay"
until ended=$($kubectl get job/training --output \
  jsonpath='{.status.conditions[?(@.status=="True")].type}') && [[ $ended =~ Complete|Failed ]]; do
  sleep "${TRAIN_SECONDS:-5}"
done
$kubectl logs job/training --container training
[[ $ended == *Complete* ]]
