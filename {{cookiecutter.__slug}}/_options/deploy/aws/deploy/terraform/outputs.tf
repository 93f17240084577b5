output "repository_variables" {
  description = "Variables of the repository on GitHub: gh variable set KEY --body VALUE."
  value = {
    AWS_REPOSITORY = aws_ecr_repository.images.repository_url
    STAGING_URL    = "https://${var.domain}:${local.port.staging}"
    PRODUCTION_URL = "https://${var.domain}"
  }
}

output "environment_variables" {
  description = "Variables of its environments: gh variable set AWS_ROLE --env ENVIRONMENT --body VALUE."
  value       = { for one in local.environments : one => { AWS_ROLE = aws_iam_role.github[one].arn } }
}

output "training_role" {
  description = "The role of a training on main."
  value       = aws_iam_role.github["training"].arn
}

output "buckets" {
  description = "Addresses for settings.toml ([data] source), the MLflow server and `ml monitor --log`."
  value       = { for key, one in aws_s3_bucket.kept : key => "s3://${one.id}" }
}

output "balancer" {
  description = "Where `domain` has to point: a CNAME record, or an alias."
  value       = aws_lb.this.dns_name
}
