terraform {
  required_version = ">= 1.9, < 2.0"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.25"
    }
  }
}

provider "aws" {
  region = var.region
  default_tags {
    tags = { project = var.name }
  }
}

data "aws_caller_identity" "current" {}

locals {
  account      = data.aws_caller_identity.current.account_id
  environments = toset(["staging", "production"])
  port         = { staging = 8443, production = 443 }
}
