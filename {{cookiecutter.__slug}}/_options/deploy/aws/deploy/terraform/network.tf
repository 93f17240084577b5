# Two zones. Tasks have public addresses because a NAT gateway costs more than the service; what may reach
# them is the load balancer alone.

data "aws_availability_zones" "there" {
  # checkov:skip=CKV_AWS_394: a subnet that exists stays in its zone, whatever zones are added
  state = "available"
}

resource "aws_vpc" "this" {
  # checkov:skip=CKV2_AWS_11: flow logs cost by traffic; they are the account's choice
  cidr_block           = var.network
  enable_dns_hostnames = true
  tags                 = { Name = var.name }
}

resource "aws_default_security_group" "closed" {
  vpc_id = aws_vpc.this.id
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id
}

resource "aws_subnet" "zone" {
  count             = 2
  vpc_id            = aws_vpc.this.id
  cidr_block        = cidrsubnet(var.network, 8, count.index)
  availability_zone = data.aws_availability_zones.there.names[count.index]
  tags              = { Name = "${var.name}-${count.index}" }
  lifecycle {
    ignore_changes = [availability_zone]
  }
}

resource "aws_route_table" "out" {
  vpc_id = aws_vpc.this.id
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.this.id
  }
}

resource "aws_route_table_association" "out" {
  count          = 2
  subnet_id      = aws_subnet.zone[count.index].id
  route_table_id = aws_route_table.out.id
}

resource "aws_security_group" "balancer" {
  name        = "${var.name}-balancer"
  description = "Callers ask the load balancer"
  vpc_id      = aws_vpc.this.id
}

resource "aws_vpc_security_group_ingress_rule" "callers" {
  for_each = {
    for one in setproduct(local.environments, var.callers) : join(" ", one) => one
  }
  security_group_id = aws_security_group.balancer.id
  description       = "${each.value[0]}, over TLS"
  cidr_ipv4         = each.value[1]
  from_port         = local.port[each.value[0]]
  to_port           = local.port[each.value[0]]
  ip_protocol       = "tcp"
}

resource "aws_vpc_security_group_egress_rule" "to_tasks" {
  security_group_id            = aws_security_group.balancer.id
  description                  = "The service"
  referenced_security_group_id = aws_security_group.tasks.id
  from_port                    = 8080
  to_port                      = 8080
  ip_protocol                  = "tcp"
}

resource "aws_security_group" "tasks" {
  name        = "${var.name}-tasks"
  description = "The load balancer asks the tasks"
  vpc_id      = aws_vpc.this.id
}

resource "aws_vpc_security_group_ingress_rule" "from_balancer" {
  security_group_id            = aws_security_group.tasks.id
  description                  = "The load balancer"
  referenced_security_group_id = aws_security_group.balancer.id
  from_port                    = 8080
  to_port                      = 8080
  ip_protocol                  = "tcp"
}

resource "aws_vpc_security_group_egress_rule" "to_aws" {
  security_group_id = aws_security_group.tasks.id
  description       = "Images, lines and the prediction log, over TLS"
  cidr_ipv4         = "0.0.0.0/0"
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
}
