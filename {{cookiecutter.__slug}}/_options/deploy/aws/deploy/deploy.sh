#!/usr/bin/env bash
# Bring an image to an environment: into the account of AWS_REPOSITORY, as the role AWS_ROLE, which
# GitHub's token opens; terraform/ makes both. Then the pointer follows. Without AWS_ROLE it moves alone.
# usage: deploy/deploy.sh ENVIRONMENT NAME@sha256:…
set -euo pipefail
environment=$1 image=$2 here=$(dirname "$0")
deploy() {
  local host=${AWS_REPOSITORY%%/*} name=${AWS_REPOSITORY##*/} target=$AWS_REPOSITORY@${image#*@}
  local service=$name-$environment tls=() task count
  [[ $host =~ ^127\.0\.0\.1: ]] && tls=(--tls-verify=false)
  aws ecr get-login-password | skopeo login "${tls[@]}" --username AWS --password-stdin "$host"
  skopeo inspect --raw "${tls[@]}" "docker://$target" > /dev/null 2>&1 \
    || bash "$here/copy.sh" "docker://$image" "docker://$AWS_REPOSITORY:${image: -64:12}"
  task=$(aws ecs describe-task-definition --task-definition "$service" --query taskDefinition \
    | jq --arg image "$target" '.containerDefinitions[0].image = $image | with_entries(select(.key | IN(
      "family", "taskRoleArn", "executionRoleArn", "networkMode", "containerDefinitions", "volumes",
      "requiresCompatibilities", "cpu", "memory", "runtimePlatform")))')
  task=$(aws ecs register-task-definition --cli-input-json "$task" \
    --query taskDefinition.taskDefinitionArn --output text)
  count=$(ask 'services[0].desiredCount') # the autoscaler's; none before the first deployment
  aws ecs update-service --cluster "$name" --service "$service" --task-definition "$task" \
    --desired-count "$((count > 0 ? count : 1))" > /dev/null
  aws ecs wait services-stable --cluster "$name" --services "$service"
  if [[ $(ask 'services[0].taskDefinition') != "$task" ]]; then
    echo "$service did not become healthy and was rolled back: see its log /ecs/$service." >&2
    exit 1
  fi
}
ask() {
  aws ecs describe-services --cluster "${AWS_REPOSITORY##*/}" \
    --services "${AWS_REPOSITORY##*/}-$environment" --query "$1" --output text
}
if [[ -n ${AWS_ROLE:-} ]]; then
  : "${AWS_REPOSITORY:?terraform output repository_variables}"
  AWS_WEB_IDENTITY_TOKEN_FILE=$(mktemp)
  trap 'rm --force "$AWS_WEB_IDENTITY_TOKEN_FILE"' EXIT
  curl --fail --silent --show-error --header @- \
    "${ACTIONS_ID_TOKEN_REQUEST_URL:?the right id-token}&audience=sts.amazonaws.com" \
    <<< "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \
    | jq --raw-output --exit-status .value > "$AWS_WEB_IDENTITY_TOKEN_FILE"
  AWS_DEFAULT_REGION=${AWS_REGION:-$(cut --delimiter . --fields 4 <<< "$AWS_REPOSITORY")}
  export AWS_DEFAULT_REGION AWS_WEB_IDENTITY_TOKEN_FILE AWS_ROLE_ARN=$AWS_ROLE AWS_ROLE_SESSION_NAME=deploy
  deploy
else
  echo "No AWS_ROLE: the pointer moves alone."
fi
bash "$here/point.sh" "$environment" "$image"
