# One load balancer: production at 443, staging at 8443, nothing without TLS.

resource "aws_lb" "this" {
  # checkov:skip=CKV_AWS_91: access logs are the account's choice; the service has its own
  # checkov:skip=CKV2_AWS_28: `callers` says who may ask; put a WAF before it if that is everybody
  name                       = var.name
  load_balancer_type         = "application"
  security_groups            = [aws_security_group.balancer.id]
  subnets                    = aws_subnet.zone[*].id
  drop_invalid_header_fields = true
  enable_deletion_protection = true
  depends_on                 = [aws_internet_gateway.this]
}

resource "aws_lb_target_group" "service" {
  # checkov:skip=CKV_AWS_378: TLS ends at the load balancer; behind it is the network of this file alone
  for_each             = local.environments
  name                 = "${var.name}-${each.key}"
  port                 = 8080
  protocol             = "HTTP"
  target_type          = "ip"
  vpc_id               = aws_vpc.this.id
  deregistration_delay = 30
  health_check {
    path                = "/health/ready"
    matcher             = "200"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }
}

resource "aws_lb_listener" "service" {
  for_each          = local.environments
  load_balancer_arn = aws_lb.this.arn
  port              = local.port[each.key]
  protocol          = "HTTPS"
  certificate_arn   = var.certificate
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.service[each.key].arn
  }
}
