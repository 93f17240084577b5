variable "region" {
  description = "Where everything is, as eu-central-1."
  type        = string
  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "A region, as eu-central-1."
  }
}

variable "name" {
  description = "First part of every name; the image repository has it alone."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "3 to 20 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "repository" {
  description = "The repository on GitHub that may deploy, as OWNER/NAME."
  type        = string
  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.repository))
    error_message = "OWNER/NAME, without https:// and without a star: whoever matches may deploy."
  }
}

variable "domain" {
  description = "Name under which callers ask; the certificate must cover it."
  type        = string
  validation {
    condition     = can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.domain))
    error_message = "A host name, as model.example.org."
  }
}

variable "certificate" {
  description = "ARN of the certificate in AWS Certificate Manager, in the same region."
  type        = string
  validation {
    condition     = can(regex("^arn:aws[a-z-]*:acm:", var.certificate))
    error_message = "The ARN of a certificate, as arn:aws:acm:REGION:ACCOUNT:certificate/ID."
  }
}

variable "callers" {
  description = "Networks that may ask; the service knows no passwords."
  type        = set(string)
  validation {
    condition     = length(var.callers) > 0 && alltrue([for one in var.callers : can(cidrhost(one, 0))])
    error_message = "At least one network, as 203.0.113.0/24; 0.0.0.0/0 lets everybody ask."
  }
}

variable "provider_arn" {
  description = "ARN of GitHub's OIDC provider, if the account has it already: there is one an account."
  type        = string
  default     = null
}

variable "network" {
  description = "Addresses of the network that is made."
  type        = string
  default     = "10.40.0.0/16"
  validation {
    condition     = can(cidrsubnet(var.network, 8, 1))
    error_message = "A network that has room for two /24, as 10.40.0.0/16."
  }
}

variable "size" {
  description = "What one task gets: units of CPU (1024 is one processor) and MiB of memory."
  type        = object({ cpu = number, memory = number })
  default     = { cpu = 512, memory = 1024 }
  validation {
    condition     = contains([256, 512, 1024, 2048, 4096], var.size.cpu) && var.size.memory >= 2 * var.size.cpu
    error_message = "As Fargate has them: cpu 256, 512, 1024, 2048 or 4096, and memory at least twice that."
  }
}

variable "tasks" {
  description = "Fewest and most tasks in production; staging has one or two."
  type        = object({ least = number, most = number })
  default     = { least = 2, most = 10 }
  validation {
    condition     = var.tasks.least >= 1 && var.tasks.most >= var.tasks.least
    error_message = "At least one, and most is no less than least."
  }
}

variable "prediction_log" {
  description = "Whether the service writes its log to S3: the image then needs EXTRAS=log and s3fs."
  type        = bool
  default     = false
}

variable "log_days" {
  description = "Days after which the prediction log and the service's own lines are removed."
  type        = number
  default     = 365
  validation {
    condition     = contains([30, 60, 90, 180, 365, 731], var.log_days)
    error_message = "30, 60, 90, 180, 365 or 731, as CloudWatch has them."
  }
}
