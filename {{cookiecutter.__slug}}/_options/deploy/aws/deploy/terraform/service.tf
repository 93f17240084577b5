# The image on Fargate, once for each environment. deploy/deploy.sh brings versions; Terraform leaves them alone.

resource "aws_ecs_cluster" "this" {
  name = var.name
  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_cloudwatch_log_group" "service" {
  # checkov:skip=CKV_AWS_158: CloudWatch's own key encrypts
  # checkov:skip=CKV_AWS_338: `log_days` is yours to choose
  for_each          = local.environments
  name              = "/ecs/${var.name}-${each.key}"
  retention_in_days = var.log_days
}

resource "aws_ecs_task_definition" "service" {
  for_each                 = local.environments
  family                   = "${var.name}-${each.key}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.size.cpu
  memory                   = var.size.memory
  execution_role_arn       = aws_iam_role.start[each.key].arn
  task_role_arn            = aws_iam_role.service[each.key].arn
  container_definitions = jsonencode([{
    name                   = "model"
    image                  = "${aws_ecr_repository.images.repository_url}:none" # until the first deployment
    essential              = true
    user                   = "10001"
    readonlyRootFilesystem = true
    linuxParameters        = { capabilities = { drop = ["ALL"] } }
    portMappings           = [{ containerPort = 8080, protocol = "tcp" }]
    environment = concat(
      [{ name = "ML_DRAIN", value = "10" }],
      var.prediction_log ? [{ name = "ML_LOG", value = "s3://${aws_s3_bucket.kept["log"].id}/${each.key}" }] : []
    )
    healthCheck = { command = ["CMD", "ml-serve", "--check"], interval = 10, timeout = 3, retries = 3, startPeriod = 60 }
    stopTimeout = 60 # ML_DRAIN, 20 s for requests in flight, 20 s for the log
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.service[each.key].name
        awslogs-region        = var.region
        awslogs-stream-prefix = "model"
      }
    }
  }])
}

resource "aws_ecs_service" "service" {
  # checkov:skip=CKV_AWS_333: network.tf says why
  for_each                          = local.environments
  name                              = "${var.name}-${each.key}"
  cluster                           = aws_ecs_cluster.this.id
  task_definition                   = aws_ecs_task_definition.service[each.key].arn
  launch_type                       = "FARGATE"
  desired_count                     = 0 # there is no image yet
  health_check_grace_period_seconds = 60
  propagate_tags                    = "SERVICE"
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
  network_configuration {
    subnets          = aws_subnet.zone[*].id
    security_groups  = [aws_security_group.tasks.id]
    assign_public_ip = true
  }
  load_balancer {
    target_group_arn = aws_lb_target_group.service[each.key].arn
    container_name   = "model"
    container_port   = 8080
  }
  lifecycle {
    ignore_changes = [task_definition, desired_count]
  }
  depends_on = [aws_lb_listener.service]
}

resource "aws_appautoscaling_target" "service" {
  for_each           = local.environments
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${aws_ecs_cluster.this.name}/${aws_ecs_service.service[each.key].name}"
  min_capacity       = each.key == "production" ? var.tasks.least : 1
  max_capacity       = each.key == "production" ? var.tasks.most : 2
}

resource "aws_appautoscaling_policy" "service" {
  for_each           = local.environments
  name               = "cpu"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.service[each.key].service_namespace
  scalable_dimension = aws_appautoscaling_target.service[each.key].scalable_dimension
  resource_id        = aws_appautoscaling_target.service[each.key].resource_id
  target_tracking_scaling_policy_configuration {
    target_value = 70
    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}
