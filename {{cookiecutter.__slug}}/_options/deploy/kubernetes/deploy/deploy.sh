#!/usr/bin/env bash
# Bring an image to an environment: to the cluster of KUBE_CONFIG, in the namespace model-ENVIRONMENT,
# and the pointer follows. Without KUBE_CONFIG the pointer moves alone.
# usage: deploy/deploy.sh ENVIRONMENT NAME@sha256:…
set -euo pipefail
environment=$1 image=$2 here=$(dirname "$0")
if [[ -n ${KUBE_CONFIG:-} ]]; then
  overlay=$here/.overlay
  mkdir -p "$overlay"
  trap 'rm --recursive --force "$overlay"' EXIT
  (umask 077 && printf '%s\n' "$KUBE_CONFIG" > "$overlay/config")
  cat > "$overlay/kustomization.yaml" <<- END
	apiVersion: kustomize.config.k8s.io/v1beta1
	kind: Kustomization
	namespace: model-$environment
	resources: [../kubernetes]
	images: [{name: model, newName: "${image%@*}", digest: "${image#*@}"}]
	END
  kubectl="kubectl --kubeconfig $overlay/config --namespace model-$environment"
  $kubectl apply --kustomize "$overlay"
  $kubectl rollout status deployment/model --timeout 300s
else
  echo "No KUBE_CONFIG: the pointer moves alone."
fi
bash "$here/point.sh" "$environment" "$image"
