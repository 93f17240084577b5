"""The engine, the base image and the registry, from inside a workflow."""

import json
import subprocess
from pathlib import Path

import act
import engine as engines
from conftest import need

pytest_plugins = ["parts"]

WORKFLOW = """
on: push
jobs:
  image:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1
      - run: |
          docker build --tag "$IMAGE" .
          if docker push --quiet "$IMAGE"; then exit 1; fi
          docker login "$REGISTRY" --username "$ACTOR" --password-stdin <<< "$TOKEN"
          docker push --quiet "$IMAGE"
          docker run --rm "$IMAGE" | tee -a "$GITHUB_STEP_SUMMARY"
          digest=$(skopeo inspect "docker://$IMAGE" --format '{{.Digest}}')
          skopeo copy "docker://${IMAGE%:*}@$digest" "docker://${IMAGE%:*}:again"
          echo "DIGEST=$digest" >> "$GITHUB_ENV"
        env:
          ACTOR: ${{ github.actor }}
          DOCKER_BUILDKIT: 1
          IMAGE: ${{ vars.REGISTRY }}/octo/model:one
          REGISTRY: ${{ vars.REGISTRY }}
          TOKEN: ${{ github.token }}
      - uses: actions/attest@1e69f48acb82d1966a394da916b4c1698aa569d6
        with: { subject-name: octo/model, subject-digest: "${{ env.DIGEST }}" }
      - run: |
          gh attestation verify "oci://octo/model@$DIGEST" --repo "$GITHUB_REPOSITORY"
          if gh attestation verify Dockerfile --repo "$GITHUB_REPOSITORY"; then exit 1; fi
        env: { GH_TOKEN: "${{ github.token }}" }
"""
DOCKERFILE = """
FROM {base} AS build
RUN pip install --no-cache-dir uv && uv venv /venv && uv pip install --python /venv six
FROM {base}
COPY --from=build /venv /venv
USER 10001
CMD ["/venv/bin/python", "-c", "import six; print('six', six.__version__)"]
"""


def test_a_workflow_builds_logs_in_pushes_runs_and_attests_an_image(tmp_path: Path, guarded):
    need("act")
    need("skopeo")
    toy = tmp_path / "toy"
    (toy / ".github/workflows").mkdir(parents=True)
    (toy / ".github/workflows/image.yml").write_text(WORKFLOW, encoding="utf-8")
    (toy / "Dockerfile").write_text(DOCKERFILE.format(base=engines.base_name()), encoding="utf-8")
    guarded.publish(toy)
    variables = {"REGISTRY": guarded.registry}
    done = act.run(toy, "image.yml", "push", services=guarded, variables=variables)
    assert done.jobs == {"image": "success"}, done.log
    assert done.summaries["image"].startswith("six ")
    address = f"docker://{guarded.registry}/octo/model:again"
    creds = f"octocat:{guarded.github.token}"
    command = ["skopeo", "inspect", "--tls-verify=false", "--creds", creds, address]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (attested,) = [line for line in done.actions if line["action"] == "actions/attest"]
    assert json.loads(told)["Digest"] == "sha256:" + attested["subject"][0]["digest"]["sha256"]
