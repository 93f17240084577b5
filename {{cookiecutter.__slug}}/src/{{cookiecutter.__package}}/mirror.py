"""Weights & Biases as a mirror: a copy of each decision that MLflow keeps, and never the way back.

W&B runs in a process of its own (`python -m PACKAGE.mirror`) after all is decided and kept, so
nothing that it does or fails to do can reach a training.
"""

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .project import Project
    from .store.tracking import Registry

VARIABLE = "WANDB_PROJECT"
SECONDS = 60
INSTALL = "`uv add --group train wandb` first"


def wanted() -> bool:
    """Whether a project on W&B is named in the environment, as all of its tools read it."""
    return bool(os.environ.get(VARIABLE))


def copy(project: "Project", registry: "Registry") -> str:
    """Copy the newest decision under the id of its run; says in one line what went wrong."""
    try:
        told = json.dumps(_told(project, registry))
        command = [sys.executable, "-m", __name__]
        more: dict[str, Any] = {"cwd": project.root, "timeout": SECONDS, "encoding": "utf-8"}
        done = subprocess.run(command, input=told, capture_output=True, check=False, **more)
    except subprocess.TimeoutExpired:
        return f"no answer in {SECONDS} s"
    except Exception as error:  # noqa: BLE001 - a mirror fails alone
        return str(error).partition("\n")[0]
    lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
    return lines[-1][:300] if done.returncode else ""


def _told(project: "Project", registry: "Registry") -> dict[str, Any]:
    """The run as W&B takes it: what went in, and what came out."""
    from .report.result import read_result
    from .store.versions import MOST, Judgement

    result, decision = read_result(project.root / "reports" / "gate" / "result.json")
    verdict = str(decision.verdict)
    judgement = Judgement(verdict, result.champion, result.beats_anchor, result.challenger)
    key = (judgement, result.reason[:MOST])
    past = [one.run_id for one in registry.history() if (one.judgement, one.reason) == key]
    gaps = {f"against {one.against}": one.delta for one in decision.comparisons}
    return {
        "id": past[-1],
        "name": f"{project.settings.name} {verdict}",
        "config": {
            **project.settings.model_dump(include={"name", "task", "split", "train"}, mode="json"),
            "gate": result.settings.model_dump(mode="json"),
            "parameters": dict(project.parameters),
            **result.model_dump(include={"data", "holdout", "champion", "anchor"}, mode="json"),
        },
        "summary": {**result.measures, **gaps, "verdict": verdict, "reason": result.reason},
    }


def _send(told: dict[str, Any]) -> None:
    """One run with this alone: no code, no host, no output. W&B reads the rest of itself."""
    import wandb

    off = ("x_disable_meta", "x_disable_stats", "x_disable_machine_info", "silent")
    settings: dict[str, Any] = {
        **dict.fromkeys(off, True),
        "console": "off",
        "host": "",
        "save_code": False,
    }
    settings |= {"x_save_requirements": False, "init_timeout": SECONDS / 3}
    summary = told.pop("summary")
    run = wandb.init(dir=".ml", resume="allow", settings=settings, **told)
    run.summary.update(summary)
    run.finish()


if __name__ == "__main__":
    try:
        _send(json.load(sys.stdin))
    except ModuleNotFoundError as missing:
        sys.exit(INSTALL if missing.name == "wandb" else str(missing))
    except Exception as failed:  # noqa: BLE001 - its errors are of many kinds
        sys.exit(str(failed).partition("\n")[0] or type(failed).__name__)
