"""Where an image goes: a pointer in a registry, a host over a real SSH, a cluster's client."""

import getpass
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from conftest import bake_into, kubectl_of, need
from real_servers import free_port, wait_until
from services import pointer

pytest_plugins = ["parts"]

RECORD = """#!/bin/sh
# Stands for a client that is not here: says what it was asked, where, and with what.
{{ pwd; echo "$0 $*"; echo "IMAGE=${{IMAGE:-}} PORT=${{PORT:-}}"; }} >> {log}
for part in "$@"; do
  [ ! -f "$part/kustomization.yaml" ] || cp "$part/kustomization.yaml" {log}.yaml
done
[ "${{FAIL:-}}" = "" ]
"""


@pytest.fixture
def image(registry: str, tmp_path: Path) -> str:
    """A small image in the registry, by digest."""
    need("skopeo")
    layout = tmp_path / "layout"
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(value: object) -> dict:
        content = json.dumps(value).encode()
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"digest": f"sha256:{digest}", "size": len(content)}

    kind = "application/vnd.oci.image."
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}
    told = {"mediaType": f"{kind}config.v1+json", **blob(config)}
    manifest = {"schemaVersion": 2, "mediaType": f"{kind}manifest.v1+json", "config": told}
    entry = {"mediaType": f"{kind}manifest.v1+json", **blob({**manifest, "layers": []})}
    index = {"schemaVersion": 2, "manifests": [entry]}
    (layout / "index.json").write_text(json.dumps(index))
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    folder = bake_into(tmp_path / "push")
    name = f"{registry}/Octo/{tmp_path.name}"
    command = ["bash", "deploy/push.sh", str(layout), entry["digest"], name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def staging(image: str) -> str:
    """What the tag of staging beside the image points to."""
    return pointer(f"{image.partition('@')[0]}:staging")


def deploy(folder: Path, image: str, **env: str) -> subprocess.CompletedProcess:
    """Run the project's own script for staging."""
    command = ["bash", "deploy/deploy.sh", "staging", image]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("option", ["registry", "compose-ssh", "kubernetes", "aws"])
def test_without_a_setting_the_pointer_moves_and_that_is_all(option, image, tmp_path):
    folder = bake_into(tmp_path / "baked", deploy=option)
    for _ in range(2):
        done = deploy(folder, image)
        assert done.returncode == 0, done.stderr
    assert staging(image) == image.partition("@")[2]


def test_an_image_that_is_not_what_was_named_is_not_pushed(image, tmp_path):
    folder, other = bake_into(tmp_path / "baked"), "sha256:" + "0" * 64
    command = ["bash", "deploy/push.sh", str(tmp_path / "layout"), other, "127.0.0.1:1/x"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 4
    assert "refused" in done.stderr


@pytest.fixture
def host(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A real sshd for this user; on the host, `docker` writes down what it is asked."""
    place, port = tmp_path / "host", free_port()
    (place / "bin").mkdir(parents=True)
    docker = place / "bin" / "docker"
    docker.write_text(RECORD.format(log=place / "log"))
    docker.chmod(0o755)
    for name in ("server", "client"):
        make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place / name)]
        subprocess.run([need("ssh-keygen"), *make[1:]], check=True)
    options = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": place / "server",
        "AuthorizedKeysFile": place / "client.pub",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
        "SetEnv": f"PATH={place}/bin:/usr/bin:/bin",
    }
    (place / "config").write_text("".join(f"{key} {value}\n" for key, value in options.items()))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    command = [need("sshd"), "-D", "-e", "-f", str(place / "config")]
    with (place / "sshd.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    ask = ["ssh-keyscan", "-p", str(port), "127.0.0.1"]
    wait_until(lambda: subprocess.run(ask, capture_output=True).stdout, process)
    yield {
        "DEPLOY_HOST": f"ssh://{getpass.getuser()}@127.0.0.1:{port}",
        "DEPLOY_KNOWN_HOSTS": subprocess.run(ask, capture_output=True, text=True).stdout,
        "DEPLOY_SSH_KEY": (place / "client").read_text(),
        "LOG": str(place / "log"),
    }
    process.terminate()
    process.wait(10)


def test_a_host_gets_the_compose_file_and_the_image_by_digest(host, image, tmp_path):
    folder = bake_into(tmp_path / "baked", deploy="compose-ssh")
    done = deploy(folder, image, **host)
    assert done.returncode == 0, done.stderr
    where, asked, given = Path(host["LOG"]).read_text().splitlines()
    assert asked.endswith("compose up --detach --wait --remove-orphans")
    assert given == f"IMAGE={image} PORT=8081"
    sent = Path(where, "compose.yaml")
    assert sent.read_text() == (folder / "deploy" / "compose.yaml").read_text()
    assert staging(image) == image.partition("@")[2]
    assert host["DEPLOY_SSH_KEY"] not in done.stdout + done.stderr
    sent.unlink()
    sent.parent.rmdir()


def test_another_host_under_that_name_gets_nothing(host, image, tmp_path):
    """The keys that were noted are the only ones that are trusted."""
    folder = bake_into(tmp_path / "baked", deploy="compose-ssh")
    kind, _, rest = host["DEPLOY_KNOWN_HOSTS"].strip().splitlines()[-1].split(" ", 2)
    wrong = {**host, "DEPLOY_KNOWN_HOSTS": f"{kind} ssh-ed25519 {'A' * len(rest)}"}
    assert deploy(folder, image, **wrong).returncode != 0
    assert not Path(host["LOG"]).exists()


@pytest.fixture
def cluster(tmp_path: Path) -> dict[str, str]:
    """A `kubectl` that writes down what it is asked, and keeps the overlay."""
    return kubectl_of(tmp_path / "cluster", RECORD)


def test_a_cluster_gets_the_image_by_digest_in_the_environments_namespace(cluster, image, tmp_path):
    folder = bake_into(tmp_path / "baked", deploy="kubernetes")
    done = deploy(folder, image, **cluster)
    assert done.returncode == 0, done.stderr
    log = tmp_path / "cluster" / "log"
    asked = [line for line in log.read_text().splitlines() if "kubectl" in line]
    assert [" apply " in asked[0], " rollout status deployment/model" in asked[1]] == [True, True]
    assert all("--namespace model-staging" in line for line in asked)
    assert images(folder, log) == {"model": image}
    assert not list((folder / "deploy").glob(".overlay*"))


def images(folder: Path, log: Path) -> dict[str, str]:
    """What each deployment runs, when the overlay that kubectl was given is rendered for real."""
    overlay = folder / "deploy" / "again"
    overlay.mkdir()
    shutil.copy(f"{log}.yaml", overlay / "kustomization.yaml")
    command = [need("kubectl"), "kustomize", str(overlay)]
    found = yaml.safe_load_all(subprocess.run(command, capture_output=True, check=True).stdout)
    deployments = [one for one in found if one["kind"] == "Deployment"]
    assert {one["metadata"]["namespace"] for one in deployments} <= {"model-staging"}
    return {
        one["metadata"]["name"]: one["spec"]["template"]["spec"]["containers"][0]["image"]
        for one in deployments
    }


def test_a_canary_gets_the_image_that_is_named_for_it(cluster, image, tmp_path):
    folder = bake_into(tmp_path / "baked", deploy="kubernetes")
    staging = folder / "deploy" / "kubernetes" / "overlays" / "staging" / "kustomization.yaml"
    staging.write_text(f"{staging.read_text()}components: [../../components/canary]\n")
    other = f"{image.partition('@')[0]}@sha256:{'1' * 64}"
    done = deploy(folder, image, **cluster, CANARY=other)
    assert done.returncode == 0, done.stderr
    log = tmp_path / "cluster" / "log"
    assert images(folder, log) == {"model": image, "model-canary": other}


def test_a_rollout_that_fails_moves_no_pointer(cluster, image, tmp_path):
    folder = bake_into(tmp_path / "baked", deploy="kubernetes")
    assert deploy(folder, image, **cluster, FAIL="1").returncode != 0
    command = ["skopeo", "inspect", "--tls-verify=false"]
    place = f"docker://{image.partition('@')[0]}:staging"
    assert subprocess.run([*command, place], capture_output=True).returncode != 0
