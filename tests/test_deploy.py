"""Where the service runs: Docker's own compose and Kubernetes' own kustomize read the files."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from conftest import PROJECT, need

DEPLOY = PROJECT / "deploy"
KUBERNETES = PROJECT / "_options" / "deploy" / "kubernetes" / "deploy" / "kubernetes"
PINNED = re.compile(r"[\w./-]+:v?\d+\.\d+\.\d+@sha256:[0-9a-f]{64}")
IMAGE = "registry.example/model@sha256:" + "0" * 64
PROBES = {"startup": "/health/ready", "readiness": "/health/ready", "liveness": "/health/live"}
OVERLAYS = ("staging", "production", "production with a canary")
# Nobody publishes the Gateway API's schemas as a package: these are the fields of v1 that we use.
ROUTE = {
    "type": "object",
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
        "apiVersion": {"const": "gateway.networking.k8s.io/v1"},
        "spec": {
            "additionalProperties": False,
            "required": ["parentRefs", "rules"],
            "properties": {
                "parentRefs": {"type": "array", "items": {"required": ["name"]}},
                "rules": {
                    "type": "array",
                    "items": {
                        "additionalProperties": False,
                        "properties": {
                            "backendRefs": {
                                "type": "array",
                                "items": {
                                    "additionalProperties": False,
                                    "required": ["name", "port"],
                                    "properties": {
                                        "name": {"type": "string"},
                                        "port": {"type": "integer"},
                                        "weight": {"type": "integer", "minimum": 0},
                                    },
                                },
                            }
                        },
                    },
                },
            },
        },
    },
}


def compose(*arguments: str, folder: Path = DEPLOY) -> str:
    """Ask Docker's own compose about the file."""
    command = [need("docker-compose"), *arguments]
    more = {"cwd": folder, "env": {"IMAGE": IMAGE}, "capture_output": True, "text": True}
    done = subprocess.run(command, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_compose_says_what_it_wants():
    command = [need("docker-compose"), "config"]
    done = subprocess.run(command, cwd=DEPLOY, env={}, capture_output=True, text=True)
    assert done.returncode != 0
    assert "name the image by digest" in done.stderr


def services() -> dict[str, dict[str, Any]]:
    """Every service as compose understands it."""
    return json.loads(compose("--profile", "monitoring", "config", "--format", "json"))["services"]


def test_compose_follows_the_published_schema():
    check = [need("check-jsonschema"), "--builtin-schema", "vendor.compose-spec"]
    subprocess.run([*check, str(DEPLOY / "compose.yaml")], check=True)


def test_up_alone_starts_the_service_and_the_profile_starts_what_watches_it():
    assert compose("config", "--services").split() == ["model"]
    assert sorted(services()) == ["grafana", "model", "prometheus"]


def test_a_host_that_has_the_compose_file_alone_can_start_the_service(tmp_path):
    """It is all that compose-ssh sends."""
    shutil.copy(DEPLOY / "compose.yaml", tmp_path)
    config = json.loads(compose("config", "--format", "json", folder=tmp_path))
    mounted = config["services"]["model"]["volumes"]
    assert [(one["type"], one["target"]) for one in mounted] == [("volume", "/log")]
    assert config["services"]["model"]["environment"]["ML_LOG"] == "/log"


@pytest.mark.parametrize("name", ["model", "prometheus", "grafana"])
def test_a_service_can_do_nothing_that_it_does_not_need(name):
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["mem_limit"]) <= 2**29
    assert "privileged" not in service


@pytest.mark.parametrize("name", ["prometheus", "grafana"])
def test_what_watches_is_pinned_and_answers_its_own_host_alone(name):
    service = services()[name]
    assert PINNED.fullmatch(service["image"])
    assert {port["host_ip"] for port in service["ports"]} == {"127.0.0.1"}


def test_every_file_that_compose_mounts_exists():
    mounted = [
        mount["source"]
        for service in services().values()
        for mount in service["volumes"]
        if mount["type"] == "bind"
    ]
    assert len(mounted) == 4
    assert [path for path in mounted if not Path(path).exists()] == []


def test_grafana_finds_prometheus_and_the_dashboard():
    found = services()
    monitoring = DEPLOY / "monitoring" / "grafana"
    (source,) = yaml.safe_load((monitoring / "datasource.yaml").read_text())["datasources"]
    host, port = source["url"].removeprefix("http://").split(":")
    assert found[host]["ports"][0]["target"] == int(port)
    (provider,) = yaml.safe_load((monitoring / "provider.yaml").read_text())["providers"]
    mounted = {mount["target"] for mount in found["grafana"]["volumes"]}
    home = found["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{provider['options']['path']}/dashboard.json"
    assert home in mounted
    scrape = yaml.safe_load((DEPLOY / "monitoring" / "prometheus.yml").read_text())
    (target,) = scrape["scrape_configs"][0]["static_configs"][0]["targets"]
    assert target == f"model:{found['model']['ports'][0]['target']}"


def sent(path: str) -> bool:
    """Whether the build of the image that trains is sent a file: the last pattern that fits."""
    kept = True
    for line in (DEPLOY / "training.Dockerfile.dockerignore").read_text("utf-8").splitlines():
        pattern = re.escape(line.lstrip("!")).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
        if not line.startswith("#") and re.fullmatch(f"{pattern}(/.*)?", path):
            kept = line.startswith("!")
    return kept


@pytest.mark.parametrize(
    "path", ["rows.sql", "queries/rows.sql", "settings.toml", "src/x/model.py"]
)
def test_the_image_that_trains_holds_what_a_training_reads(path):
    assert sent(path)


@pytest.mark.parametrize(
    "path",
    [
        *(".git/x.sql", ".venv/lib/x.sql", ".ml/x.sql", ".env", "mlflow.db", "mlartifacts/1/x.sql"),
        *("deploy/mlflow/.env", "tests/code/test_gate.py", "reports/gate/page.html"),
        "src/x/__pycache__/x.pyc",
    ],
)
def test_the_image_that_trains_holds_no_state_no_environment_and_no_secret(path):
    assert not sent(path)


TEAM = DEPLOY / "mlflow"
SECRETS = ("ADMIN_PASSWORD", "DATABASE_PASSWORD", "SESSION_KEY", "STORE_PASSWORD")


@pytest.fixture(scope="module")
def team(tmp_path_factory) -> Path:
    """deploy/mlflow with the secrets that its own script makes."""
    copy = tmp_path_factory.mktemp("team") / "deploy" / "mlflow"
    shutil.copytree(TEAM, copy)
    subprocess.run([need("sh"), "secrets.sh"], cwd=copy, check=True)
    return copy


def team_services(team: Path) -> dict[str, dict[str, Any]]:
    """Every service of a team's MLflow as compose understands it."""
    return json.loads(compose("config", "--format", "json", folder=team))["services"]


def test_a_teams_secrets_are_random_made_once_and_for_their_owner_alone(team, tmp_path):
    text = (team / ".env").read_text()
    found = dict(line.split("=") for line in text.splitlines())
    assert sorted(found) == sorted(SECRETS)
    assert len(set(found.values())) == len(SECRETS)
    assert all(re.fullmatch("[0-9a-f]{48}", one) for one in found.values())
    assert (team / ".env").stat().st_mode & 0o077 == 0
    subprocess.run([need("sh"), "secrets.sh"], cwd=team, check=True)
    assert (team / ".env").read_text() == text
    ignored = (PROJECT / ".gitignore").read_text().splitlines()
    assert "deploy/mlflow/.env*" in ignored
    check = [need("check-jsonschema"), "--builtin-schema", "vendor.compose-spec"]
    subprocess.run([*check, str(TEAM / "compose.yaml")], check=True)


@pytest.mark.parametrize("secret", SECRETS)
def test_a_teams_server_does_not_start_without_each_of_them(secret, team, tmp_path):
    shutil.copy(TEAM / "compose.yaml", tmp_path)
    kept = [line for line in (team / ".env").read_text().splitlines() if secret not in line]
    (tmp_path / ".env").write_text("\n".join(kept) + "\n")
    command = [need("docker-compose"), "config"]
    done = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True)
    assert done.returncode != 0
    assert "secrets.sh makes it" in done.stderr


def test_of_a_teams_server_the_front_door_alone_is_open_and_to_its_host_alone(team):
    found = team_services(team)
    assert sorted(found) == ["bucket", "database", "server", "store"]
    open_doors = {name: one["ports"] for name, one in found.items() if "ports" in one}
    assert list(open_doors) == ["server"]
    assert [port["host_ip"] for port in open_doors["server"]] == ["127.0.0.1"]
    for name, one in found.items():
        assert one["cap_drop"] == ["ALL"]
        assert one["security_opt"] == ["no-new-privileges:true"]
        assert int(one["mem_limit"]) <= 2**31
        if "image" in one:
            assert re.fullmatch(r"[\w./-]+:\d+(\.\d+)+", one["image"]), name
        else:
            assert one["read_only"] is True
    given = found["server"]["environment"]
    assert {"PGPASSWORD", "MLFLOW_AUTH_ADMIN_PASSWORD", "AWS_SECRET_ACCESS_KEY"} <= set(given)
    waits = {name: one["condition"] for name, one in found["server"]["depends_on"].items()}
    assert waits == {"database": "service_healthy", "bucket": "service_completed_successfully"}
    for one in found.values():
        mounts = [m["source"] for m in one.get("volumes", []) if m["type"] == "bind"]
        assert [path for path in mounts if not Path(path).is_file()] == []


def test_the_teams_store_is_the_version_that_the_tests_run(team):
    done = subprocess.run([need("weed"), "version"], capture_output=True, text=True, check=True)
    _, version = team_services(team)["store"]["image"].split(":")
    assert version in done.stdout.split()


def render(folder: Path) -> list[dict[str, Any]]:
    """What a kustomization comes to, by kubectl's own kustomize."""
    done = subprocess.run(
        [need("kubectl"), "kustomize", str(folder)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


@pytest.fixture(scope="module", params=OVERLAYS)
def manifests(request, tmp_path_factory) -> list[dict[str, Any]]:
    """Every resource of an overlay."""
    environment, _, canary = request.param.partition(" ")
    copy = tmp_path_factory.mktemp("kubernetes") / "kubernetes"
    shutil.copytree(KUBERNETES, copy)
    overlay = copy / "overlays" / environment
    if canary:
        turn_canary_on(overlay)
    return render(overlay)


def turn_canary_on(overlay: Path) -> None:
    """Take the one comment sign away that the file speaks of."""
    path = overlay / "kustomization.yaml"
    text = path.read_text()
    assert text.count("\n# components: ") == 1
    path.write_text(text.replace("\n# components: ", "\ncomponents: "))


def of(manifests: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    """Resources of a kind, by name."""
    return {one["metadata"]["name"]: one for one in manifests if one["kind"] == kind}


def pod(deployment: dict[str, Any]) -> dict[str, Any]:
    return deployment["spec"]["template"]["spec"]


def test_every_resource_follows_the_schema_of_its_kind(manifests):
    for resource in manifests:
        if resource["kind"] == "HTTPRoute":
            jsonschema.validate(resource, ROUTE)
        else:
            kubernetes_validate.validate(resource, "1.37", strict=True)


def test_a_resource_that_breaks_its_schema_would_be_found(manifests):
    broken = json.loads(json.dumps(of(manifests, "Deployment")["model"]))
    pod(broken)["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, "1.37", strict=True)


def test_every_name_that_is_referred_to_exists(manifests):
    deployments, accounts = of(manifests, "Deployment"), of(manifests, "ServiceAccount")
    labels = {
        name: one["spec"]["template"]["metadata"]["labels"] for name, one in deployments.items()
    }
    for name, deployment in deployments.items():
        selectors = [
            deployment["spec"]["selector"]["matchLabels"],
            of(manifests, "Service")[name]["spec"]["selector"],
            of(manifests, "PodDisruptionBudget")[name]["spec"]["selector"]["matchLabels"],
            of(manifests, "NetworkPolicy")[name]["spec"]["podSelector"]["matchLabels"],
            *(
                spread["labelSelector"]["matchLabels"]
                for spread in pod(deployment)["topologySpreadConstraints"]
            ),
        ]
        for selector in selectors:  # this deployment's pods, and no other's
            taken = [one for one in labels if selector.items() <= labels[one].items()]
            assert taken == [name]
        assert pod(deployment)["serviceAccountName"] in accounts
        scaled = of(manifests, "HorizontalPodAutoscaler")[name]["spec"]["scaleTargetRef"]
        assert (scaled["kind"], scaled["name"]) == ("Deployment", name)
        (container,) = pod(deployment)["containers"]
        ports = {port["name"] for port in container["ports"]}
        (service,) = of(manifests, "Service")[name]["spec"]["ports"]
        (admitted,) = of(manifests, "NetworkPolicy")[name]["spec"]["ingress"][0]["ports"]
        probes = [container[f"{one}Probe"]["httpGet"]["port"] for one in PROBES]
        assert {service["targetPort"], admitted["port"], *probes} <= ports
        volumes = {volume["name"] for volume in pod(deployment)["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} == volumes
    for route in of(manifests, "HTTPRoute").values():
        for backend in route["spec"]["rules"][0]["backendRefs"]:
            ports = of(manifests, "Service")[backend["name"]]["spec"]["ports"]
            assert backend["port"] in [port["port"] for port in ports]


def test_pods_are_restricted_as_kubernetes_restricted_standard_asks(manifests):
    for name, deployment in of(manifests, "Deployment").items():
        spec = pod(deployment)
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == 10001
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
        assert all(set(volume) <= {"name", "emptyDir"} for volume in spec["volumes"])
        (container,) = spec["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert spec["automountServiceAccountToken"] is False
        assert of(manifests, "ServiceAccount")[name]["automountServiceAccountToken"] is False
        assert of(manifests, "NetworkPolicy")[name]["spec"]["policyTypes"] == ["Ingress", "Egress"]
        assert of(manifests, "NetworkPolicy")[name]["spec"]["egress"] == []


def test_pods_are_probed_limited_watched_and_given_the_time_to_finish(manifests):
    for deployment in of(manifests, "Deployment").values():
        assert "replicas" not in deployment["spec"]  # the autoscaler's
        annotations = deployment["spec"]["template"]["metadata"]["annotations"]
        (container,) = pod(deployment)["containers"]
        assert annotations["prometheus.io/scrape"] == "true"
        assert int(annotations["prometheus.io/port"]) == container["ports"][0]["containerPort"]
        assert {one: container[f"{one}Probe"]["httpGet"]["path"] for one in PROBES} == PROBES
        assert set(container["resources"]["limits"]) == {"memory", "ephemeral-storage"}
        environment = {one["name"]: one["value"] for one in container["env"]}
        drain, readiness = int(environment["ML_DRAIN"]), container["readinessProbe"]
        assert drain > readiness["periodSeconds"]
        patience = pod(deployment)["terminationGracePeriodSeconds"]
        assert patience > drain + 20 + 20  # for requests in flight, and for the log: serving/
        (mount,) = container["volumeMounts"]
        assert environment["ML_LOG"] == mount["mountPath"]


@pytest.mark.parametrize(
    ("overlay", "pods"), [("staging", {"model": (1, 2)}), ("production", {"model": (2, 10)})]
)
def test_an_overlay_says_where_and_how_many(overlay, pods):
    found = render(KUBERNETES / "overlays" / overlay)
    assert {one["metadata"]["namespace"] for one in found} == {f"model-{overlay}"}
    scaled = {
        name: (one["spec"]["minReplicas"], one["spec"]["maxReplicas"])
        for name, one in of(found, "HorizontalPodAutoscaler").items()
    }
    assert scaled == pods
    assert not of(found, "HTTPRoute")


def test_one_line_turns_on_a_canary_that_gets_a_tenth(tmp_path):
    copy = tmp_path / "kubernetes"
    shutil.copytree(KUBERNETES, copy)
    without = render(copy / "overlays" / "production")
    turn_canary_on(copy / "overlays" / "production")
    found = render(copy / "overlays" / "production")
    assert [one for one in without if one not in found] == []
    added = {(one["kind"], one["metadata"]["name"]) for one in found if one not in without}
    assert added == {(one["kind"], "model-canary") for one in without} | {("HTTPRoute", "model")}
    (rule,) = of(found, "HTTPRoute")["model"]["spec"]["rules"]
    weights = {one["name"]: one["weight"] for one in rule["backendRefs"]}
    assert weights == {"model": 90, "model-canary": 10}
    images = {
        name: pod(one)["containers"][0]["image"] for name, one in of(found, "Deployment").items()
    }
    assert images == {"model": "model", "model-canary": "model-canary"}
