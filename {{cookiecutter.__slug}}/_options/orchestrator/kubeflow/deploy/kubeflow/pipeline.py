"""The project's stages as Kubeflow pipelines: `training`, and `monitoring`, which retrains if due.

ML_IMAGE names the image of deploy/training.Dockerfile, by digest, when the pipelines are compiled:
    ML_IMAGE=… kfp dsl compile --py deploy/kubeflow/pipeline.py --function training --output t.yaml
"""

import os

from kfp import dsl  # ty: ignore[import-not-found]  # Kubeflow has an environment of its own

# A condition needs a word, not a status: 1 is "no", and everything above ends the pipeline.
ANSWER = """
mkdir -p "$(dirname "$1")"
status=0
ml "$2" || status=$?
case $status in
  0) printf yes > "$1" ;;
  1) printf no > "$1" ;;
  *) exit "$status" ;;
esac
"""


@dsl.container_component
def stage(
    command: str,
    server: str,
    answer: dsl.OutputPath(str),  # ty: ignore[invalid-type-form]  # Kubeflow's own words
) -> dsl.ContainerSpec:
    """One command of `ml` in the project's image; the state is with the MLflow server."""
    uri = dsl.ConcatPlaceholder(["MLFLOW_TRACKING_URI=", server])
    return dsl.ContainerSpec(
        image=os.environ["ML_IMAGE"],
        command=["env", uri, "sh", "-c", ANSWER, "ml"],
        args=[answer, command],
    )


def ask(command: str, server: str, *after: dsl.PipelineTask) -> dsl.PipelineTask:
    """A stage that is run anew every time: rows change where the command does not."""
    task = stage(command=command, server=server).after(*after)
    return task.set_display_name(command).set_caching_options(enable_caching=False)


# Kubeflow's local runner knows in a condition what a pipeline was given, and no task's output: so
# what depends on an answer is a pipeline that is given it.
@dsl.pipeline(name="promotion")
def promotion(answer: str, server: str) -> None:
    """What the gate has proven once more becomes champion."""
    with dsl.If(answer == "yes"):
        ask("promote", server)


@dsl.pipeline(name="judgement")
def judgement(answer: str, server: str) -> None:
    """What training has kept is judged on fresh rows."""
    with dsl.If(answer == "yes"):
        promotion(answer=ask("gate", server).output, server=server)


@dsl.pipeline(name="training")
def training(server: str) -> None:
    """Judge a challenger, twice; what the gate proves becomes champion."""
    trained = ask("train", server, ask("validate", server))
    judgement(answer=trained.output, server=server)


@dsl.pipeline(name="retraining")
def retraining(answer: str, server: str) -> None:
    """Train where the champion was found wanting."""
    with dsl.If(answer == "no"):
        training(server=server)


@dsl.pipeline(name="monitoring")
def monitoring(server: str) -> None:
    """Look at the champion; `no` means that a retraining is due."""
    retraining(answer=ask("monitor", server).output, server=server)
