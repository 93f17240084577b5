# Images, copied here by digest when they are deployed: Fargate reads them with a role, and needs no password.

resource "aws_ecr_repository" "images" {
  # checkov:skip=CKV_AWS_136: as in storage.tf
  name                 = var.name
  image_tag_mutability = "IMMUTABLE"
  image_scanning_configuration {
    scan_on_push = true
  }
}
