#!/usr/bin/env bash
# Record what a training has decided; what the gate has proven goes to staging, then to production,
# is asked there, and then becomes champion. A deployment that fails is taken back.
# usage: deploy/ship.sh OUTCOME REGISTRY/NAME [ADDRESS OF THE RUN]
set -euo pipefail
outcome=$1 name=${2,,} run=${3:-}
told() { jq --raw-output "$1" "$outcome/outcome.json"; }
bundle=$([[ ! -d $outcome/bundle ]] || jq --raw-output '.manifests[0].digest' "$outcome/bundle/index.json")
sh .github/state record "$outcome" --bundle "$bundle" --repository "$name/bundle" --run "$run"
verdict=$(told .decided.judgement.verdict) version=$(told '.published.version.digest // ""')
if [[ $verdict != PROMOTE ]]; then
  echo "$verdict: nothing is shipped."
  exit 0
fi
bash deploy/image.sh "$outcome" model:new
folder=$(mktemp --directory)
trap 'rm --recursive --force "$folder"' EXIT
docker save --output "$folder/model.tar" model:new
skopeo copy --quiet "docker-archive:$folder/model.tar" "oci:$folder/image"
digest=$(jq --raw-output '.manifests[0].digest' "$folder/image/index.json")
image=$(bash deploy/push.sh "$folder/image" "$digest" "$name")
sh .github/state image "$version" "$image"
put_back() { # what the state names: another run may have settled here in the meantime
  before=$(sh .github/state running "$1" | sed -n 's/^image=//p')
  [[ -z $before ]] || bash deploy/deploy.sh "$1" "$before"
  exit 1
}
for step in staging:deployed production:promote; do
  environment=${step%:*} move=${step#*:}
  address=${environment^^}_URL
  sh .github/state check "$version"
  bash deploy/deploy.sh "$environment" "$image" || put_back "$environment"
  bash deploy/smoke.sh "$image" "${!address:-}" || put_back "$environment"
  sh .github/state "$move" "$version" --deployed "$environment" || put_back "$environment"
done
