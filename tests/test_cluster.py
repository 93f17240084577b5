"""In a cluster: training, Dask, KServe and Seldon, as kubectl's own kustomize renders them."""

import ast
import copy
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
from conftest import PROJECT, bake_into, kubectl_of
from test_deploy import KUBERNETES, of, pod, render, sent

SERVED = {"kserve": "InferenceService", "seldon": "SeldonDeployment"}
TRAINED = {"training": "CronJob", "training-now": "Job"}
DIGEST = "sha256:" + "0" * 64
PAGE = PROJECT / "_options" / "deploy" / "kubernetes" / "docs" / "kubernetes.md"
# Nobody publishes Seldon's schema as a package: these are the fields of v1 that we use, as the
# operator's seldondeployment_types.go has them. Pods are Kubernetes' own.
SELDON = {
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
        "apiVersion": {"const": "machinelearning.seldon.io/v1"},
        "spec": {
            "additionalProperties": False,
            "required": ["predictors"],
            "properties": {
                "protocol": {"enum": ["seldon", "tensorflow", "kfserving", "v2"]},
                "transport": {"enum": ["rest", "grpc"]},
                "predictors": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "additionalProperties": False,
                        "required": ["name", "graph"],
                        "properties": {
                            "name": {"type": "string"},
                            "annotations": {"additionalProperties": {"type": "string"}},
                            "labels": {"additionalProperties": {"type": "string"}},
                            "replicas": {"type": "integer"},
                            "graph": {
                                "additionalProperties": False,
                                "required": ["name"],
                                "properties": {
                                    "name": {"type": "string"},
                                    "type": {"enum": ["MODEL"]},
                                },
                            },
                            "componentSpecs": {
                                "type": "array",
                                "items": {
                                    "additionalProperties": False,
                                    "properties": {"metadata": {}, "spec": {}},
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}


def with_component(folder: Path, overlay: str, component: str) -> list[dict[str, Any]]:
    """An overlay with the component that its own comment speaks of."""
    made = folder / "kubernetes"
    shutil.copytree(KUBERNETES, made)
    path = made / "overlays" / overlay / "kustomization.yaml"
    path.write_text(f"{path.read_text()}components: [../../components/{component}]\n")
    return render(path.parent)


def is_published(resource: dict[str, Any]) -> None:
    """Hold a resource of Kubernetes itself against the schema of its kind."""
    kubernetes_validate.validate(resource, "1.37", strict=True)


def is_pod(spec: dict[str, Any]) -> None:
    """Hold the pod inside a custom resource against Kubernetes' own schema."""
    is_published({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": spec})


def is_restricted(spec: dict[str, Any]) -> None:
    """What Kubernetes' restricted standard asks, and no token of the cluster."""
    told = spec["securityContext"]
    assert (told["runAsNonRoot"], told["runAsUser"]) == (True, 10001)
    assert told["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    assert all(set(volume) == {"name", "emptyDir"} for volume in spec["volumes"])
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(container["resources"]["limits"]) == {"memory", "ephemeral-storage"}
    assert set(container["resources"]["requests"]) == {"cpu", "memory", "ephemeral-storage"}


@pytest.fixture(scope="session")
def kserve_fields(tmp_path_factory) -> dict[str, dict[str, str]]:
    """Fields and types of KServe's resources, as its own SDK of PyPI lists them."""
    folder = tmp_path_factory.mktemp("kserve")
    fetch = ["uv", "pip", "install", "--quiet", "--no-deps", "--exclude-newer", "2026-11-14"]
    fetch += ["--target", str(folder), "kserve>=0.21"]
    subprocess.run(fetch, check=True)
    return {
        kind: _literals(folder / "kserve" / "models" / f"v1beta1_{name}.py")
        for kind, name in (
            ("service", "inference_service"),
            ("spec", "inference_service_spec"),
            ("predictor", "predictor_spec"),
        )
    }


def _literals(path: Path) -> dict[str, str]:
    found: dict[str, Any] = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        name = node.targets[0] if isinstance(node, ast.Assign) else None
        if isinstance(name, ast.Name) and name.id in ("openapi_types", "attribute_map"):
            found[name.id] = ast.literal_eval(node.value)
    names = found["attribute_map"]
    return {names[key]: kind for key, kind in found["openapi_types"].items()}


def follows(fields: dict[str, str], told: dict[str, Any]) -> None:
    """Every key is a field, and every plain value has its type."""
    plain = {"int": int, "str": str, "bool": bool, "dict(str, str)": dict}
    for key, value in told.items():
        assert key in fields, f"{key} is no field"
        kind = list if fields[key].startswith("list[") else plain.get(fields[key], dict)
        assert type(value) is kind, f"{key} is no {fields[key]}"


def pod_of(resource: dict[str, Any]) -> dict[str, Any]:
    """The pod inside any resource that makes some, without the fields that are KServe's own."""
    if resource["kind"] == "SeldonDeployment":
        return resource["spec"]["predictors"][0]["componentSpecs"][0]["spec"]
    if resource["kind"] == "CronJob":
        return pod(resource["spec"]["jobTemplate"])
    if resource["kind"] == "InferenceService":
        own = ("labels", "annotations", "minReplicas", "maxReplicas", "scaleMetric", "scaleTarget")
        return {k: v for k, v in resource["spec"]["predictor"].items() if k not in own}
    return pod(resource)


@pytest.mark.parametrize("overlay", ["staging", "production"])
@pytest.mark.parametrize("component", SERVED)
def test_another_platform_takes_the_place_of_our_deployment(component, overlay, tmp_path):
    found = with_component(tmp_path, overlay, component)
    kinds = {one["kind"] for one in found}
    assert kinds == {"ServiceAccount", "NetworkPolicy", "PodDisruptionBudget", SERVED[component]}
    assert {one["metadata"]["namespace"] for one in found} == {f"model-{overlay}"}
    for resource in found:
        if resource["kind"] != SERVED[component]:
            is_published(resource)


@pytest.mark.parametrize("component", SERVED)
def test_its_pod_is_the_pod_of_our_own_deployment(component, tmp_path):
    (resource,) = of(with_component(tmp_path, "staging", component), SERVED[component]).values()
    theirs, ours = pod_of(resource), pod(of(render(KUBERNETES / "base"), "Deployment")["model"])
    is_pod(theirs)
    is_restricted(theirs)
    (container,) = theirs["containers"]
    name = {"kserve": "kserve-container", "seldon": "model"}[component]
    assert container == {**ours["containers"][0], "name": name}
    ours.pop("topologySpreadConstraints")  # they name our Deployment's pods
    assert theirs == {**ours, "containers": [container]}


@pytest.mark.parametrize("component", SERVED)
def test_its_pods_are_those_that_the_policies_mean(component, tmp_path):
    found = with_component(tmp_path, "staging", component)
    (resource,) = of(found, SERVED[component]).values()
    spec = resource["spec"]
    labels = {"kserve": lambda: spec["predictor"], "seldon": lambda: spec["predictors"][0]}
    for kind, key in (("NetworkPolicy", "podSelector"), ("PodDisruptionBudget", "selector")):
        meant = of(found, kind)["model"]["spec"][key]["matchLabels"]
        assert meant.items() <= labels[component]()["labels"].items()


def test_kserve_knows_every_field(kserve_fields, tmp_path):
    (service,) = of(with_component(tmp_path, "production", "kserve"), "InferenceService").values()
    follows(kserve_fields["service"], service)
    follows(kserve_fields["spec"], service["spec"])
    predictor = service["spec"]["predictor"]
    follows(kserve_fields["predictor"], predictor)
    assert (predictor["minReplicas"], predictor["maxReplicas"]) == (2, 10)  # as base/autoscaler
    for wrong in ({"minReplica": 2}, {"minReplicas": "2"}):
        with pytest.raises(AssertionError):
            follows(kserve_fields["predictor"], {**predictor, **wrong})


def test_seldon_knows_every_field(tmp_path):
    found = with_component(tmp_path, "production", "seldon")
    (resource,) = of(found, "SeldonDeployment").values()
    jsonschema.validate(resource, SELDON)
    (predictor,) = resource["spec"]["predictors"]
    # Its operator takes the container of the graph's name, and its port of the name `http`.
    (container,) = pod_of(resource)["containers"]
    assert container["name"] == predictor["graph"]["name"]
    assert [port["name"] for port in container["ports"]] == ["http"]
    broken = copy.deepcopy(resource)
    broken["spec"]["predictors"][0]["replica"] = 2
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, SELDON)


@pytest.mark.parametrize(("overlay", "kind"), TRAINED.items())
def test_a_training_is_restricted_and_follows_the_published_schemas(overlay, kind):
    found = render(KUBERNETES / "overlays" / overlay)
    assert {one["kind"] for one in found} == {"ServiceAccount", "NetworkPolicy", kind}
    assert {one["metadata"]["namespace"] for one in found} == {"model-training"}
    for resource in found:
        is_published(resource)
    spec = pod_of(of(found, kind)["training"])
    is_restricted(spec)
    assert spec["serviceAccountName"] in of(found, "ServiceAccount")
    (container,) = spec["containers"]
    assert [*container["command"], *container["args"]] == ["ml", "train", "--if-new"]
    mounted = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
    assert set(mounted) == {one["name"] for one in spec["volumes"]}
    assert set(mounted.values()) == {"/project/.ml", "/project/reports", "/tmp"}
    assert of(found, "NetworkPolicy")["training"]["spec"].get("ingress", []) == []


def test_the_schedule_starts_the_very_job_that_runs_once():
    jobs = {
        overlay: of(render(KUBERNETES / "overlays" / overlay), kind)["training"]["spec"]
        for overlay, kind in TRAINED.items()
    }
    assert jobs["training"]["jobTemplate"]["spec"] == jobs["training-now"]


def test_only_what_may_end_otherwise_is_tried_again():
    """A no, unsound evidence and a crash end the same again; an outage says 2 or 3, and passes."""
    job = of(render(KUBERNETES / "overlays" / "training-now"), "Job")["training"]["spec"]
    ignored, failed = job["podFailurePolicy"]["rules"]
    assert (ignored["action"], failed["action"]) == ("Ignore", "FailJob")
    assert failed["onExitCodes"]["values"] == [1, 4, 70]
    (container,) = pod({"spec": job})["containers"]
    assert failed["onExitCodes"]["containerName"] == container["name"]
    assert pod({"spec": job})["restartPolicy"] == "Never"  # such a policy asks for it
    assert job["backoffLimit"] > 0
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert "Exit status 1, 4 and 70 (rejected, evidence, a crash) end the job. 2 and 3" in page


def test_whoever_turns_workers_on_is_told_what_they_are_good_for():
    told = (PAGE, KUBERNETES / "components" / "dask" / "kustomization.yaml")
    for path in told:
        text = " ".join(path.read_text(encoding="utf-8").replace("\n# ", "\n").split())
        assert "--tune" in text, path
        assert "`ml train --if-new` alone leaves them idle" in text, path


@pytest.mark.parametrize(("overlay", "kind"), TRAINED.items())
def test_dask_is_beside_a_training_and_open_to_nobody_else(overlay, kind, tmp_path):
    found = with_component(tmp_path, overlay, "dask")
    for resource in found:
        is_published(resource)
    deployments, (service,) = of(found, "Deployment"), of(found, "Service").values()
    assert set(deployments) == {"dask-scheduler", "dask-worker"}
    training = pod_of(of(found, kind)["training"])
    (own,) = training["containers"]
    host = service["metadata"]["name"]
    address = f"tcp://{host}:{service['spec']['ports'][0]['port']}"
    assert own["env"] == [{"name": "DASK_SCHEDULER_ADDRESS", "value": address}]
    selector, ports = of(found, "NetworkPolicy")["dask"]["spec"], set()
    (named,) = selector["podSelector"]["matchExpressions"]
    for name, deployment in deployments.items():
        is_restricted(pod(deployment))
        (container,) = pod(deployment)["containers"]
        assert container["image"] == own["image"]  # the same versions on both ends
        assert pod(deployment)["serviceAccountName"] in of(found, "ServiceAccount")
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items()
        assert named["operator"] == "In"
        assert labels["app.kubernetes.io/name"] in named["values"]
        ports |= {one["name"] for one in container["ports"]}
        if name == "dask-worker":
            assert address in container["command"]
        else:
            assert service["spec"]["selector"].items() <= labels.items()
    (ingress,) = selector["ingress"]
    assert {one["port"] for one in ingress["ports"]} == ports
    (asked,) = ingress["from"]
    template = of(found, kind)["training"]["spec"]
    template = template["jobTemplate"]["spec"] if kind == "CronJob" else template
    meant = template["template"]["metadata"]["labels"].items()
    assert asked["podSelector"]["matchLabels"].items() <= meant


def test_ports_and_limits_of_a_worker_are_those_that_it_is_told(tmp_path):
    worker = of(with_component(tmp_path, "training", "dask"), "Deployment")["dask-worker"]
    (container,) = pod(worker)["containers"]
    told = dict(one.removeprefix("--").partition("=")[::2] for one in container["args"])
    ports = {one["name"]: str(one["containerPort"]) for one in container["ports"]}
    assert ports == {"worker": told["worker-port"], "nanny": told["nanny-port"]}
    limit = container["resources"]["limits"]["memory"].removesuffix("Gi")
    assert float(told["memory-limit"].removesuffix("GiB")) < float(limit)
    (mount,) = container["volumeMounts"]
    assert told["local-directory"] == mount["mountPath"]


CLUSTER = """#!/bin/sh
# Stands for a cluster: says what it was asked, keeps the overlay, and ends the job as it is told.
echo "$*" >> {log}
for part in "$@"; do
  [ ! -f "$part/kustomization.yaml" ] || cp "$part/kustomization.yaml" {log}.yaml
done
case "$*" in
  *" get job/training "*) [ -z "${{GONE:-}}" ] && echo "${{LIMIT:-14400}}/${{ENDED-Complete}}" ;;
  *" logs "*) echo "PROMOTE: proven" ;;
  *" get deployment/model-predictor "*) sed -n "$(grep -c model-predictor {log})p" {log}.images ;;
  *" apply "*) [ -z "${{REFUSED:-}}" ] && echo "${{APPLIED:-deployment.apps/model configured}}" ;;
esac
"""


@pytest.fixture
def cluster(tmp_path: Path) -> dict[str, str]:
    """A `kubectl` that writes down what it is asked."""
    return kubectl_of(tmp_path / "cluster", CLUSTER)


def ask(tmp_path: Path, env: dict[str, str], *command: str) -> subprocess.CompletedProcess:
    """Run a script of a fresh project."""
    folder = tmp_path / "baked" / "customer-model"
    if not folder.exists():
        bake_into(folder.parent, deploy="kubernetes")
    more = {"capture_output": True, "text": True, "timeout": 60}
    return subprocess.run(["bash", *command], cwd=folder, env={**os.environ, **env}, **more)


@pytest.mark.parametrize(("ended", "status"), [("Complete", 0), ("Failed", 1)])
def test_a_training_by_hand_tells_and_ends_as_it_ended(ended, status, cluster, tmp_path):
    env = {**cluster, "ENDED": ended}
    done = ask(tmp_path, env, "deploy/train.sh", "now", f"registry.example/train@{DIGEST}")
    assert done.returncode == status, done.stderr
    assert "PROMOTE: proven" in done.stdout
    asked = (tmp_path / "cluster" / "log").read_text().splitlines()
    assert [line.split(" model-training ")[1].split()[0] for line in asked] == [
        *("delete", "apply", "get", "logs")
    ]
    assert left_over(tmp_path) == []
    assert applied(tmp_path, "Job") == f"registry.example/train@{DIGEST}"


def left_over(tmp_path: Path) -> list[Path]:
    """Folders with somebody's login that a script has left behind."""
    return list((tmp_path / "baked" / "customer-model" / "deploy").glob(".overlay*"))


@pytest.mark.parametrize(
    ("broken", "asked", "word"),
    [
        ({"GONE": "1"}, 5, "could not ask for job/training, 5 times in a row"),
        ({"ENDED": "", "LIMIT": "0"}, 2, "has not ended in the 0 seconds"),
        ({"ENDED": "FailureTarget", "LIMIT": "0"}, 2, "has not ended in the 0 seconds"),
    ],
)
def test_nobody_waits_for_ever_for_a_training_by_hand(broken, asked, word, cluster, tmp_path):
    env = {**cluster, "TRAIN_SECONDS": "0" if "GONE" in broken else "1.1", **broken}
    done = ask(tmp_path, env, "deploy/train.sh", "now", f"registry.example/train@{DIGEST}")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert word in done.stderr
    lines = (tmp_path / "cluster" / "log").read_text().splitlines()
    assert len([line for line in lines if " get job/training " in line]) == asked
    assert left_over(tmp_path) == []


def test_a_script_leaves_alone_what_another_one_beside_it_needs(cluster, tmp_path):
    """And what `kill -9` leaves behind is in no commit and in no image."""
    ask(tmp_path, cluster, "deploy/train.sh", "later", f"x@{DIGEST}")  # makes the project
    folder = tmp_path / "baked" / "customer-model"
    for other in (".overlay", ".overlay.123456"):
        (folder / "deploy" / other).mkdir()
        (folder / "deploy" / other / "config").write_text("of another run")
    done = ask(tmp_path, cluster, "deploy/train.sh", "schedule", f"x@{DIGEST}")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in left_over(tmp_path)} == {".overlay", ".overlay.123456"}
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    for other in left_over(tmp_path):
        assert (other / "config").read_text() == "of another run"
        subprocess.run(["git", "check-ignore", "--quiet", other / "config"], cwd=folder, check=True)
        assert not sent(f"deploy/{other.name}/config")
    own = (folder / ".dockerignore").read_text("utf-8").splitlines()
    assert own[0] == "*"
    assert not [line for line in own if "deploy" in line]


def applied(tmp_path: Path, kind: str) -> str:
    """The image of what kubectl was given, rendered for real."""
    overlay = tmp_path / "baked" / "customer-model" / "deploy" / "again"
    overlay.mkdir()
    shutil.copy(tmp_path / "cluster" / "log.yaml", overlay / "kustomization.yaml")
    (resource,) = of(render(overlay), kind).values()
    return pod_of(resource)["containers"][0]["image"]


def test_a_schedule_is_applied_and_that_is_all(cluster, tmp_path):
    done = ask(tmp_path, cluster, "deploy/train.sh", "schedule", f"registry.example/x@{DIGEST}")
    assert done.returncode == 0, done.stderr
    (asked,) = (tmp_path / "cluster" / "log").read_text().splitlines()
    assert " apply " in asked
    assert left_over(tmp_path) == []
    assert applied(tmp_path, "CronJob") == f"registry.example/x@{DIGEST}"
    assert "secret" not in done.stdout + done.stderr


def test_a_word_that_is_none_asks_nothing(cluster, tmp_path):
    done = ask(tmp_path, cluster, "deploy/train.sh", "later", f"x@{DIGEST}")
    assert (done.returncode, "schedule or now" in done.stderr) == (2, True)
    assert not (tmp_path / "cluster" / "log").exists()


WAITS = {
    "deployment.apps/model configured": "rollout status deployment/model",
    "inferenceservice.serving.kserve.io/model created": "wait inferenceservice/model",
    "seldondeployment.machinelearning.seldon.io/model created": "wait seldondeployment/model",
}


@pytest.mark.parametrize(("told", "wait"), WAITS.items())
def test_a_deployment_waits_for_whoever_makes_the_pods(told, wait, cluster, tmp_path):
    env = {**cluster, "APPLIED": told}
    image = f"127.0.0.1:1/model@{DIGEST}"
    (tmp_path / "cluster" / "log.images").write_text(f"{image}\n")
    ask(tmp_path, env, "deploy/deploy.sh", "staging", image)
    asked = (tmp_path / "cluster" / "log").read_text().splitlines()
    assert wait in asked[3 if "kserve" in told else 1]


KSERVE = {"APPLIED": "inferenceservice.serving.kserve.io/model configured", "KSERVE_SECONDS": "0"}


def deployed(tmp_path: Path, cluster: dict[str, str], *images: str) -> tuple[list[str], str]:
    """What is asked, and said, when KServe has these images one after another."""
    (tmp_path / "cluster" / "log.images").write_text("".join(f"{one}\n" for one in images))
    ask(tmp_path, cluster, "deploy/deploy.sh", "later", "x@y")  # makes the project; no such overlay
    (tmp_path / "cluster" / "log").unlink()
    point = tmp_path / "baked" / "customer-model" / "deploy" / "point.sh"
    point.write_text('echo "the pointer moves"\n')
    image = f"127.0.0.1:1/model@{DIGEST}"
    done = ask(tmp_path, {**cluster, **KSERVE}, "deploy/deploy.sh", "staging", image)
    asked = (tmp_path / "cluster" / "log").read_text().splitlines()
    return [line.split(" model-staging ")[1] for line in asked], done.stdout


def test_kserves_old_pods_are_not_taken_for_the_new_ones(cluster, tmp_path):
    """At first there is no Deployment, then one with the old image, then a second container too."""
    new = f"sidecar:1 127.0.0.1:1/model@{DIGEST}"
    asked, said = deployed(tmp_path, cluster, "", "127.0.0.1:1/model@sha256:old", new)
    words = [" ".join(line.split()[:2]) for line in asked]
    assert [word.split()[0] for word in words] == ["apply", *["get"] * 3, "rollout", "wait"]
    assert "rollout status deployment/model-predictor --timeout" in asked[4]
    assert "the pointer moves" in said


def test_no_pointer_moves_where_kserve_never_takes_the_image(cluster, tmp_path):
    asked, said = deployed(tmp_path, cluster, *["127.0.0.1:1/model@sha256:old"] * 99)
    assert len(asked) == 1 + 60
    assert "the pointer moves" not in said


def test_what_the_cluster_refuses_is_waited_for_by_nobody(cluster, tmp_path):
    env = {**cluster, "REFUSED": "1"}
    done = ask(tmp_path, env, "deploy/deploy.sh", "staging", f"127.0.0.1:1/model@{DIGEST}")
    assert done.returncode != 0
    assert len((tmp_path / "cluster" / "log").read_text().splitlines()) == 1


@pytest.mark.parametrize(("component", "kind"), SERVED.items())
def test_the_image_reaches_a_custom_resource_by_digest(component, kind, tmp_path, cluster):
    folder = bake_into(tmp_path / "baked", deploy="kubernetes")
    place = folder / "deploy" / "kubernetes" / "overlays" / "staging" / "kustomization.yaml"
    place.write_text(f"{place.read_text()}components: [../../components/{component}]\n")
    image = f"127.0.0.1:1/model@{DIGEST}"
    ask(tmp_path, cluster, "deploy/deploy.sh", "staging", image)
    assert applied(tmp_path, kind) == image
