# Three buckets: your data, MLflow's artifacts, the prediction log. Private, encrypted, versioned, TLS alone.

locals {
  kept = toset(["data", "mlflow", "log"])
}

resource "aws_s3_bucket" "kept" {
  # checkov:skip=CKV_AWS_144: one region is enough for what can be made again; copy it if yours cannot
  # checkov:skip=CKV_AWS_145: S3's own key encrypts; a key of one's own adds a grant for every reader
  # checkov:skip=CKV_AWS_18: CloudTrail's data events tell more than access logs; they are the account's choice
  # checkov:skip=CKV2_AWS_62: nobody listens to events
  for_each = local.kept
  bucket   = "${var.name}-${each.key}-${local.account}"
}

resource "aws_s3_bucket_ownership_controls" "kept" {
  for_each = local.kept
  bucket   = aws_s3_bucket.kept[each.key].id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "kept" {
  for_each                = local.kept
  bucket                  = aws_s3_bucket.kept[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "kept" {
  for_each = local.kept
  bucket   = aws_s3_bucket.kept[each.key].id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_versioning" "kept" {
  for_each = local.kept
  bucket   = aws_s3_bucket.kept[each.key].id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "kept" {
  for_each = local.kept
  bucket   = aws_s3_bucket.kept[each.key].id
  rule {
    id     = "age"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
    noncurrent_version_expiration {
      noncurrent_days = 90
    }
    dynamic "expiration" {
      for_each = each.key == "log" ? [var.log_days] : []
      content {
        days = expiration.value
      }
    }
  }
  depends_on = [aws_s3_bucket_versioning.kept]
}

data "aws_iam_policy_document" "tls" {
  for_each = local.kept
  statement {
    sid       = "TlsAlone"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.kept[each.key].arn, "${aws_s3_bucket.kept[each.key].arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "kept" {
  for_each   = local.kept
  bucket     = aws_s3_bucket.kept[each.key].id
  policy     = data.aws_iam_policy_document.tls[each.key].json
  depends_on = [aws_s3_bucket_public_access_block.kept]
}
