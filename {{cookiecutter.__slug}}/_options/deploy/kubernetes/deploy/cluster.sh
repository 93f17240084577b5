# Sourced by deploy.sh and train.sh: the cluster of KUBE_CONFIG, and what it is given. `open_cluster NAMESPACE
# OVERLAY NAME=IMAGE@sha256:…` makes one of kubernetes/overlays with these images, in a folder of this run's
# own, since another may run beside it; it goes with the script.
# shellcheck shell=bash
open_cluster() {
  namespace=$1
  local place=$2 one image
  overlay=$(mktemp --directory "$(dirname "$0")/.overlay.XXXXXX") # nobody else may read it
  trap 'rm --recursive --force "$overlay"' EXIT
  printf '%s\n' "$KUBE_CONFIG" > "$overlay/config"
  {
    printf '%s\n' 'apiVersion: kustomize.config.k8s.io/v1beta1' 'kind: Kustomization' \
      "resources: [../kubernetes/overlays/$place]" 'images:'
    for one in "${@:3}"; do
      image=${one#*=}
      printf '  - {name: %s, newName: "%s", digest: "%s"}\n' "${one%%=*}" "${image%@*}" "${image#*@}"
    done
  } > "$overlay/kustomization.yaml"
}
ask() {
  kubectl --kubeconfig "$overlay/config" --namespace "$namespace" "$@"
}
apply() {
  ask apply --kustomize "$overlay"
}
