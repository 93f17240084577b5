# Whom GitHub's tokens make whom. No key is stored: a token lives for minutes, and names repository and place.

resource "aws_iam_openid_connect_provider" "github" {
  count          = var.provider_arn == null ? 1 : 0
  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

locals {
  github = coalesce(var.provider_arn, one(aws_iam_openid_connect_provider.github[*].arn))
  subjects = merge(
    { for one in local.environments : one => "repo:${var.repository}:environment:${one}" },
    { training = "repo:${var.repository}:ref:refs/heads/main" }
  )
}

data "aws_iam_policy_document" "github" {
  for_each = local.subjects
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = [local.github]
    }
    condition {
      test     = "StringEquals"
      variable = "token.actions.githubusercontent.com:aud"
      values   = ["sts.amazonaws.com"]
    }
    condition {
      test     = "StringEquals" # no star: one repository, one environment or branch
      variable = "token.actions.githubusercontent.com:sub"
      values   = [each.value]
    }
  }
}

resource "aws_iam_role" "github" {
  for_each             = local.subjects
  name                 = "${var.name}-github-${each.key}"
  assume_role_policy   = data.aws_iam_policy_document.github[each.key].json
  max_session_duration = 3600
}

# An environment's deployment: copy an image in, start it in this environment, and no other.
data "aws_iam_policy_document" "deploy" {
  # checkov:skip=CKV_AWS_356: these actions know no resource
  # checkov:skip=CKV_AWS_111: RegisterTaskDefinition knows none; what it makes can run with the two roles below alone
  for_each = local.environments
  statement {
    actions   = ["ecr:GetAuthorizationToken", "ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition"]
    resources = ["*"]
  }
  statement {
    actions = [
      "ecr:BatchCheckLayerAvailability",
      "ecr:BatchGetImage",
      "ecr:CompleteLayerUpload",
      "ecr:GetDownloadUrlForLayer",
      "ecr:InitiateLayerUpload",
      "ecr:PutImage",
      "ecr:UploadLayerPart",
    ]
    resources = [aws_ecr_repository.images.arn]
  }
  statement {
    actions   = ["ecs:DescribeServices", "ecs:UpdateService"]
    resources = [aws_ecs_service.service[each.key].arn]
  }
  statement {
    actions   = ["iam:PassRole"]
    resources = [aws_iam_role.start[each.key].arn, aws_iam_role.service[each.key].arn]
    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "deploy" {
  for_each = local.environments
  name     = "deploy"
  role     = aws_iam_role.github[each.key].id
  policy   = data.aws_iam_policy_document.deploy[each.key].json
}

# A training on main: reads data and the prediction log, keeps artifacts. README.md says what uses it.
data "aws_iam_policy_document" "training" {
  statement {
    actions   = ["s3:ListBucket"]
    resources = [for one in aws_s3_bucket.kept : one.arn]
  }
  statement {
    actions   = ["s3:GetObject"]
    resources = [for one in aws_s3_bucket.kept : "${one.arn}/*"]
  }
  statement {
    actions   = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject"]
    resources = ["${aws_s3_bucket.kept["mlflow"].arn}/*"]
  }
}

resource "aws_iam_role_policy" "training" {
  name   = "training"
  role   = aws_iam_role.github["training"].id
  policy = data.aws_iam_policy_document.training.json
}
