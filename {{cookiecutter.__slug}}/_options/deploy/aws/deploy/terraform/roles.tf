# What a task may: `start` fetches the image and writes lines, `service` writes the prediction log, if any.

data "aws_iam_policy_document" "tasks" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

resource "aws_iam_role" "start" {
  for_each           = local.environments
  name               = "${var.name}-${each.key}-start"
  assume_role_policy = data.aws_iam_policy_document.tasks.json
}

data "aws_iam_policy_document" "start" {
  # checkov:skip=CKV_AWS_356: GetAuthorizationToken knows no resource
  for_each = local.environments
  statement {
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }
  statement {
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = [aws_ecr_repository.images.arn]
  }
  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.service[each.key].arn}:*"]
  }
}

resource "aws_iam_role_policy" "start" {
  for_each = local.environments
  name     = "start"
  role     = aws_iam_role.start[each.key].id
  policy   = data.aws_iam_policy_document.start[each.key].json
}

resource "aws_iam_role" "service" {
  for_each           = local.environments
  name               = "${var.name}-${each.key}-service"
  assume_role_policy = data.aws_iam_policy_document.tasks.json
}

data "aws_iam_policy_document" "log" {
  for_each = local.environments
  statement {
    actions   = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"]
    resources = ["${aws_s3_bucket.kept["log"].arn}/${each.key}/*"]
  }
  statement {
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.kept["log"].arn]
    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = [each.key, "${each.key}/*"]
    }
  }
}

resource "aws_iam_role_policy" "log" {
  for_each = var.prediction_log ? local.environments : toset([])
  name     = "log"
  role     = aws_iam_role.service[each.key].id
  policy   = data.aws_iam_policy_document.log[each.key].json
}
