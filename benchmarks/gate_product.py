"""The template's own gate, importable by every module of the gate's benchmark."""

from common import load_package

load_package()
from project.evidence import Evidence, Harm  # noqa: E402 - the line above makes it importable
from project.guards.family import family  # noqa: E402
from project.guards.harms import proven  # noqa: E402
from project.metrics.compare import compare  # noqa: E402
from project.metrics.errors import Z  # noqa: E402
from project.metrics.scored import Labels, Scored  # noqa: E402
from project.metrics.scores import score  # noqa: E402
from project.settings import GateSettings  # noqa: E402
from project.steps.evaluate import evaluate  # noqa: E402
from project.steps.gate import Decision, Verdict, decide  # noqa: E402
from project.store.model import answers_in_pieces  # noqa: E402

__all__ = [
    "Decision",
    "Evidence",
    "GateSettings",
    "Harm",
    "Labels",
    "Scored",
    "Verdict",
    "Z",
    "answers_in_pieces",
    "compare",
    "decide",
    "evaluate",
    "family",
    "proven",
    "score",
]
