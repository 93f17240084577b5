"""Deployment to AWS: the project's script, AWS's client, a server that answers as AWS does."""

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from conftest import bake_into
from orchestrated import environment
from real_servers import free_port, wait_until
from test_targets import image, staging  # noqa: F401 - `image` is a fixture
from test_terraform import statements

pytest_plugins = ["parts"]

# Answers as AWS does, and writes down which actions were asked for.
AWS = """
import sys
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
answer = DomainDispatcherApplication(create_backend_app)

def noted(environ, start):
    print(environ.get("HTTP_X_AMZ_TARGET", ""), flush=True)
    return answer(environ, start)

run_simple("127.0.0.1", int(sys.argv[1]), noted, threaded=True)
"""
# Hands a job its token, as GitHub does.
GITHUB = """
import http.server, json, sys

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = self.path == "/token?run=1&audience=sts.amazonaws.com"
        known = self.headers["Authorization"] == "bearer of-this-job"
        self.send_response(200 if asked and known else 403)
        self.end_headers()
        self.wfile.write(json.dumps({"value": "secret.web.token"}).encode())

http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""
REGION = "eu-central-1"


@dataclass(frozen=True)
class Account:
    """An account in which Terraform has made what a deployment needs."""

    ecs: Any
    log: Path
    env: dict[str, str]

    @property
    def service(self) -> dict[str, Any]:
        """What there is of it."""
        (found,) = self.ecs.describe_services(cluster="model", services=["model-staging"])[
            "services"
        ]
        return found

    @property
    def task(self) -> dict[str, Any]:
        """What the service runs."""
        name = self.service["taskDefinition"]
        return self.ecs.describe_task_definition(taskDefinition=name)["taskDefinition"]


@contextmanager
def server(script: str, log: Path, path: str) -> Iterator[str]:
    port = free_port()
    with log.open("a") as file:  # so that it can be emptied
        command = [sys.executable, "-c", script, str(port)]
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        with suppress(urllib.error.HTTPError):
            urllib.request.urlopen(f"{url}{path}", timeout=1)
        return True

    try:
        wait_until(answers, process)
        yield url
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def client(tmp_path_factory) -> str:
    """AWS's own client, in an environment of its own."""
    programs = environment(tmp_path_factory.mktemp("aws") / "env", "awscli==1.*")
    place = programs.with_name("only")
    place.mkdir()
    (place / "aws").symlink_to(programs / "aws")
    return str(place)


@pytest.fixture
def account(client: str, registry: str, tmp_path: Path) -> Iterator[Account]:
    """A cluster and a service that runs nothing yet; images go to a real registry."""
    log, home = tmp_path / "aws.log", tmp_path / "home"
    home.mkdir()
    with server(AWS, log, "/moto-api/") as aws, server(GITHUB, tmp_path / "hub.log", "/") as hub:
        key = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": REGION}
        ecs = boto3.client("ecs", endpoint_url=aws, **key)
        ecs.create_cluster(clusterName="model")
        container = {"name": "model", "image": "x:none", "user": "10001", "stopTimeout": 60}
        told = {"family": "model-staging", "networkMode": "awsvpc", "cpu": "512", "memory": "1024"}
        roles = {f"{one}RoleArn": f"arn:aws:iam::1:role/{one}" for one in ("task", "execution")}
        kinds = {"requiresCompatibilities": ["FARGATE"], "containerDefinitions": [container]}
        ecs.register_task_definition(**told, **roles, **kinds)
        service = {"cluster": "model", "serviceName": "model-staging", "desiredCount": 0}
        ecs.create_service(**service, taskDefinition="model-staging", launchType="FARGATE")
        log.write_text("")
        yield Account(
            ecs,
            log,
            {
                "PATH": f"{client}:{os.environ['PATH']}",
                "HOME": str(home),
                "XDG_RUNTIME_DIR": str(home),
                "AWS_ENDPOINT_URL": aws,
                "AWS_REGION": REGION,
                "AWS_ROLE": "arn:aws:iam::123456789012:role/model-github-staging",
                "AWS_REPOSITORY": f"{registry}/{tmp_path.name.replace('_', '-')}/model",
                "ACTIONS_ID_TOKEN_REQUEST_URL": f"{hub}/token?run=1",
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of-this-job",
            },
        )


def deploy(folder: Path, image: str, env: dict[str, str]) -> subprocess.CompletedProcess:  # noqa: F811
    """Run the project's own script for staging, in an environment without any key."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    command = ["bash", "deploy/deploy.sh", "staging", image]
    more = {"capture_output": True, "text": True, "timeout": 120}
    return subprocess.run(command, cwd=folder, env={**kept, **env}, **more)


def test_an_image_is_copied_by_digest_and_the_service_runs_it(account, image, tmp_path):  # noqa: F811
    folder, before = bake_into(tmp_path / "baked", deploy="aws"), account.task
    done = deploy(folder, image, account.env)
    assert done.returncode == 0, done.stderr
    digest = image.partition("@")[2]
    target = f"{account.env['AWS_REPOSITORY']}@{digest}"
    held = ["skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{target}"]
    assert subprocess.run(held, capture_output=True).returncode == 0
    after = account.task
    assert after["containerDefinitions"][0].pop("image") == target
    assert before["containerDefinitions"][0].pop("image") == "x:none"
    own = {"revision", "taskDefinitionArn", "registeredAt", "registeredBy"}
    assert {k: v for k, v in after.items() if k not in own} == {
        k: v for k, v in before.items() if k not in own
    }
    assert account.service["desiredCount"] == 1
    assert staging(image) == digest
    assert not {"secret.web.token", "of-this-job"} & set((done.stdout + done.stderr).split())


def test_the_role_allows_what_a_deployment_asks_and_no_more(account, image, tmp_path):  # noqa: F811
    folder = bake_into(tmp_path / "baked", deploy="aws")
    assert deploy(folder, image, account.env).returncode == 0
    words = {
        "AmazonEC2ContainerServiceV20141113": "ecs",
        "AmazonEC2ContainerRegistry_V20150921": "ecr",
    }
    asked = {line.partition(".")[::2] for line in account.log.read_text().split()}
    calls = {f"{words[service]}:{action}" for service, action in asked}
    allowed = {action for one in statements("deploy") for action in one["actions"]}
    of_registry = {one for one in allowed if one.startswith("ecr:")} - {"ecr:GetAuthorizationToken"}
    assert calls == allowed - of_registry - {"iam:PassRole"}  # which the registry and ECS ask
    assert {one.partition(":")[2] for one in of_registry} == {
        *("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer"),
        *("CompleteLayerUpload", "InitiateLayerUpload", "PutImage", "UploadLayerPart"),
    }


def test_a_second_time_nothing_is_copied_and_the_autoscalers_number_stays(account, image, tmp_path):  # noqa: F811
    folder = bake_into(tmp_path / "baked", deploy="aws")
    assert deploy(folder, image, account.env).returncode == 0
    account.ecs.update_service(cluster="model", service="model-staging", desiredCount=3)
    (folder / "deploy" / "copy.sh").write_text(  # the pointer moves; nothing else is copied
        (folder / "deploy" / "copy.sh")
        .read_text()
        .replace("exec skopeo", "[[ $2 == *:staging ]]\nexec skopeo")
    )
    done = deploy(folder, image, account.env)
    assert done.returncode == 0, done.stderr
    assert account.service["desiredCount"] == 3


def test_a_version_that_was_rolled_back_is_a_failure_and_moves_no_pointer(account, image, tmp_path):  # noqa: F811
    """The circuit breaker puts the task before back; here a client does, while it waits."""
    folder, before = bake_into(tmp_path / "baked", deploy="aws"), account.service["taskDefinition"]
    own = tmp_path / "own"
    own.mkdir()
    (own / "aws").write_text(
        '#!/bin/sh\nPATH=${PATH#*:}\ncase "$*" in "ecs wait"*) aws ecs update-service '
        f"--cluster model --service model-staging --task-definition {before} > /dev/null ;; esac\n"
        'exec aws "$@"\n'
    )
    (own / "aws").chmod(0o755)
    done = deploy(folder, image, {**account.env, "PATH": f"{own}:{account.env['PATH']}"})
    assert (done.returncode, "rolled back" in done.stderr) == (1, True)
    with pytest.raises(subprocess.CalledProcessError):
        staging(image)


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("AWS_REPOSITORY", "terraform output repository_variables"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "the right id-token"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_asked(missing, said, account, image, tmp_path):  # noqa: F811
    folder = bake_into(tmp_path / "baked", deploy="aws")
    done = deploy(folder, image, {k: v for k, v in account.env.items() if k != missing})
    assert done.returncode != 0
    assert said in done.stderr
    assert account.log.read_text() == ""


def test_a_token_that_github_refuses_ends_it(account, image, tmp_path):  # noqa: F811
    folder = bake_into(tmp_path / "baked", deploy="aws")
    done = deploy(folder, image, {**account.env, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of-another"})
    assert (done.returncode != 0, "403" in done.stderr) == (True, True)
    assert account.log.read_text() == ""
