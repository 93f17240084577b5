#!/usr/bin/env bash
# Bring an image to an environment: to the cluster of KUBE_CONFIG, as kubernetes/overlays/ENVIRONMENT
# has it, and the pointer follows. Without KUBE_CONFIG the pointer moves alone. CANARY names
# another image for the canary, where the overlay has one.
# usage: deploy/deploy.sh ENVIRONMENT NAME@sha256:…
set -euo pipefail
environment=$1 image=$2 canary=${CANARY:-$2} here=$(dirname "$0")
if [[ -n ${KUBE_CONFIG:-} ]]; then
  overlay=$here/.overlay
  mkdir -p "$overlay"
  trap 'rm --recursive --force "$overlay"' EXIT
  (umask 077 && printf '%s\n' "$KUBE_CONFIG" > "$overlay/config")
  cat > "$overlay/kustomization.yaml" <<- END
	apiVersion: kustomize.config.k8s.io/v1beta1
	kind: Kustomization
	resources: [../kubernetes/overlays/$environment]
	images:
	  - {name: model, newName: "${image%@*}", digest: "${image#*@}"}
	  - {name: model-canary, newName: "${canary%@*}", digest: "${canary#*@}"}
	END
  kubectl="kubectl --kubeconfig $overlay/config --namespace model-$environment"
  applied=$($kubectl apply --kustomize "$overlay" | tee /dev/stderr)
  case $applied in # whoever makes the pods says when they are ready; the golden rows are asked next
    *inferenceservice*) $kubectl wait inferenceservice/model --for condition=Ready --timeout 300s ;;
    *seldondeployment*) $kubectl wait seldondeployment/model --for jsonpath='{.status.state}'=Available --timeout 300s ;;
    *) $kubectl rollout status deployment/model --timeout 300s ;;
  esac
else
  echo "No KUBE_CONFIG: the pointer moves alone."
fi
bash "$here/point.sh" "$environment" "$image"
