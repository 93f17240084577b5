"""The product's image and compose file, as a host with Docker runs them."""

import json
import os
import subprocess
import urllib.request
from pathlib import Path

import engine as engines
from conftest import TODAY, need
from real_servers import free_port

pytest_plugins = ["parts"]
PLACES = """
from pathlib import Path
for place in ("/log/x", "/bundle/x", "/app/x", "/tmp/x"):
    try:
        Path(place).write_text("x")
        print(place)
    except OSError:
        pass
"""


def test_compose_starts_a_healthy_service_that_can_write_its_log_and_nothing_else(
    project, engine: str, tmp_path: Path
):
    compose = need("docker-compose")
    project.ml("train", "--today", TODAY)
    project.ml("promote")
    (bundle,) = (project.folder / ".ml" / "bundles").iterdir()
    image, port, name = f"model:{tmp_path.name}", free_port(), f"compose-{os.getpid()}"
    build = ["build", "--quiet", "--file", project.folder / "deploy" / "Dockerfile"]
    argument = f"BUNDLE={bundle.relative_to(project.folder)}"
    done = engines.docker(engine, *build, "--build-arg", argument, "--tag", image, project.folder)
    assert done.returncode == 0, done.stderr
    environment = {**os.environ, "IMAGE": image, "PORT": str(port)}
    if engine:
        environment["DOCKER_HOST"] = engine

    def ask(*command: str) -> str:
        whole = [compose, "--project-name", name, *command]
        done = subprocess.run(
            whole, cwd=project.folder / "deploy", env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    try:
        ask("up", "--detach", "--wait", "--wait-timeout", "60")
        (state,) = map(json.loads, ask("ps", "--format", "json").splitlines())
        assert state["Health"] == "healthy"
        url = f"http://127.0.0.1:{port}"
        rows = json.loads((bundle / "golden.json").read_text(encoding="utf-8"))["rows"][:3]
        body = json.dumps({"rows": rows}).encode()
        with urllib.request.urlopen(f"{url}/predict", body, timeout=10) as answer:
            assert len(json.load(answer)["predictions"]) == 3
        assert ask("exec", "-T", "model", "id", "-u").strip() == "10001"
        assert ask("exec", "-T", "model", "python", "-c", PLACES).split() == ["/log/x"]
        ask("stop")
        ask("up", "--detach", "--wait", "--wait-timeout", "60")  # the volume stays
        kept = ask("exec", "-T", "model", "ls", "-R", "/log")
        assert "predictions-" in kept
    finally:
        ask("down", "--volumes", "--timeout", "5")
