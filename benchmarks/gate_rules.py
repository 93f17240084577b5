"""The rules that judge a challenger: this project's, those that peers ship, and MLflow's own."""

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from gate_product import (
    Decision,
    Evidence,
    GateSettings,
    Scored,
    Verdict,
    Z,
    compare,
    decide,
    score,
)
from numpy.typing import NDArray

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # before it is imported
import mlflow
from mlflow.models import EvaluationResult, MetricThreshold
from mlflow.models.evaluation.validation import ModelValidationFailedException

logging.getLogger("mlflow").setLevel(logging.WARNING)  # else a line for every decision

Numbers = NDArray[np.float64]

SETTINGS = GateSettings()
ABSOLUTE = 0.78
TOLERANCE = 0.01
THRESHOLDS = {
    "roc_auc": MetricThreshold(
        threshold=ABSOLUTE, min_absolute_change=TOLERANCE, greater_is_better=True
    )
}


@dataclass(frozen=True)
class Seen:
    """What a rule may look at: both models' AUC on the same holdout, and the champion's stored.

    The evidence is weighed only when a rule asks for it: most rules do not.
    """

    challenger: float
    champion: float
    stored: float
    weigh: Callable[[], Evidence]

    @property
    def delta(self) -> float:
        """Challenger minus champion."""
        return self.challenger - self.champion

    @cached_property
    def evidence(self) -> Evidence:
        """The project's own evidence."""
        return self.weigh()

    @cached_property
    def decision(self) -> Decision:
        """What the project's gate says."""
        return decide(self.evidence, SETTINGS)


def non_inferior(seen: Seen) -> bool:
    """Proven to be not worse than the champion by the margin; no bar and no anchor."""
    error = seen.evidence.gaps["champion"].margin_error
    return seen.delta > Z * error - seen.evidence.margin


def mlflow_validates(seen: Seen) -> bool:
    """MLflow's real function, candidate against baseline on the same holdout."""
    candidate, baseline = (
        EvaluationResult({"roc_auc": value}, {}, run_id="")
        for value in (seen.challenger, seen.champion)
    )
    try:
        mlflow.validate_evaluation_results(THRESHOLDS, candidate, baseline)
    except ModelValidationFailedException:
        return False
    return True


OURS = "this project"
STORED = "better than the stored metric"
ABOVE = f"above {ABSOLUTE}"
NOT_WORSE = f"not worse by more than {TOLERANCE}"
NEWER = "new > old on the same holdout"
MLFLOW = f"MLflow: {ABSOLUTE} and +{TOLERANCE}"
PLAIN = "plain non-inferiority"

RULES: Mapping[str, Callable[[Seen], bool]] = {
    OURS: lambda seen: seen.decision.verdict is Verdict.PROMOTE,
    STORED: lambda seen: seen.challenger > seen.stored,
    ABOVE: lambda seen: seen.challenger > ABSOLUTE,
    NOT_WORSE: lambda seen: seen.delta > -TOLERANCE,
    NEWER: lambda seen: seen.delta > 0,
    MLFLOW: mlflow_validates,
    PLAIN: non_inferior,
}

COLOURS = {  # Okabe and Ito's palette: told apart by every eye; markers and dashes serve in grey
    OURS: ("black", "o", "-"),
    STORED: ("#D55E00", "s", "--"),
    ABOVE: ("#56B4E9", "^", "--"),
    NOT_WORSE: ("#CC79A7", "D", "-."),
    NEWER: ("#E69F00", "v", ":"),
    MLFLOW: ("#009E73", "X", "--"),
    PLAIN: ("#0072B2", "P", "-."),
}


def scored_of(answers: Numbers, predictions: Mapping[str, Numbers]) -> Scored:
    """The table of predictions that the gate reads, with a constant answer added."""
    share = float(answers.mean())
    dummy = np.broadcast_to([1 - share, share], predictions["challenger"].shape)
    return Scored("binary", "roc_auc", answers, {**predictions, "dummy": dummy})


def core(scored: Scored) -> Evidence:
    """The evidence of the rule itself, without guards and curves, which cost milliseconds."""
    compared = compare(scored, SETTINGS.max_loss_increase, SETTINGS.margin)
    smallest = int(np.bincount(scored.answers.astype(int), minlength=2).min())
    return Evidence(
        scored.metric,
        len(scored.answers),
        smallest,
        compared.values["challenger"],
        compared.margin,
        compared.gaps,
    )


def auc(answers: Numbers, predicted: Numbers) -> float:
    """The AUC as the project measures it."""
    return score(answers, predicted, "roc_auc").value
