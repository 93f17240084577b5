"""settings.toml as frozen, typed values; a key that does not exist is an error."""

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .errors import Status, Stop, without_login
from .mistakes import explain
from .user_function import PREFIX

Task = Literal["binary", "regression", "multiclass"]
Sign = Literal["score", "predictions", "features", "age"]
Metric = str
METRICS: dict[Task, tuple[Metric, ...]] = {
    "binary": ("roc_auc", "average_precision", "log_loss", "brier", "accuracy", "f1_macro"),
    "multiclass": ("log_loss", "brier", "accuracy", "f1_macro"),
    "regression": ("mae", "mse"),
}
LOSSES: tuple[Metric, ...] = ("log_loss", "brier", "mae", "mse")


def is_loss(metric: Metric) -> bool:
    """Whether less is better, so that it is shown without the minus that it is compared with."""
    return metric in LOSSES


def best_value(metric: Metric) -> float:
    """The score of a perfect model, higher being better: what is missing to it is the loss."""
    return 0.0 if is_loss(metric) else 1.0


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class DataSettings(_Section):
    """Where rows come from, and how far back."""

    source: str = "sample:binary"
    window_days: int = Field(default=180, ge=0)
    keep: int = Field(default=10, ge=1)

    @property
    def place(self) -> str:
        """The source as cards, runs and data versions name it: without a login."""
        return without_login(self.source)


class SplitSettings(_Section):
    """Which rows judge, and which train."""

    holdout: float = Field(default=0.2, gt=0, lt=1)


class TrainSettings(_Section):
    """How the model is fitted and packaged."""

    seed: int = Field(default=0, ge=0)
    threshold: float = Field(default=0.5, gt=0, lt=1)
    trusted_types: list[str] = []


class GateSettings(_Section):
    """What a challenger has to prove."""

    metric: Metric | None = None
    max_loss_increase: float = Field(default=0.05, gt=0, lt=1)
    margin: float | None = Field(default=None, gt=0)
    floor: float | None = None
    min_rows: int = Field(default=200, ge=2)
    min_rows_per_class: int = Field(default=20, ge=2)
    horizon: int | None = Field(default=None, ge=1)
    max_data_age_days: int | None = Field(default=None, ge=0)
    holdout_uses: int = Field(default=30, ge=2)
    slices: list[str] | None = None
    slice_min_rows: int = Field(default=50, ge=20)
    slice_max_drop: float = Field(default=0.02, gt=0, lt=1)
    fairness_min_rows: int = Field(default=50, ge=20)
    fairness_max_gap: float = Field(default=0.1, gt=0, lt=1)
    max_flips: float = Field(default=0.05, gt=0, lt=1)
    max_latency_ratio: float = Field(default=1.5, ge=1)
    max_latency_ms: float | None = Field(default=None, gt=0)
    max_size_ratio: float = Field(default=2.0, ge=1)
    max_size_mb: float | None = Field(default=None, gt=0)
    behaviour: bool = True


class CardSettings(_Section):
    """What only people know of the model, for its card."""

    owner: str = ""
    use: str = ""
    not_for: str = ""
    ethics: str = ""
    caveats: str = ""


class MonitorSettings(_Section):
    """When the champion is said to have lost, and what starts a retraining."""

    min_rows: int = Field(default=500, ge=50)
    window_days: int = Field(default=28, ge=1)
    retrain_on: list[Sign] = ["score", "predictions", "features", "age"]
    max_age_days: int | None = Field(default=None, ge=1)
    quiet_days: int = Field(default=3, ge=0)
    most_a_week: int = Field(default=2, ge=1)


class ServeSettings(_Section):
    """Where `ml serve` listens, and whether it keeps what it answers."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=1, le=65535)
    log: str = ""
    log_sample: float = Field(default=1.0, ge=0, le=1)


class EngineSettings(_Section):
    """Where searches, bootstraps, simulations and tables of many files are worked on."""

    kind: Literal["local", "dask"] = "local"
    address: str = ""
    workers: int = Field(default=0, ge=0)


class Settings(_Section):
    """All of settings.toml."""

    name: str = Field(pattern=r"^[A-Za-z0-9][-_A-Za-z0-9]*$")
    task: Task
    data: DataSettings = DataSettings()
    split: SplitSettings = SplitSettings()
    train: TrainSettings = TrainSettings()
    gate: GateSettings = GateSettings()
    serve: ServeSettings = ServeSettings()
    monitor: MonitorSettings = MonitorSettings()
    card: CardSettings = CardSettings()
    engine: EngineSettings = EngineSettings()

    @property
    def metric(self) -> Metric:
        """The metric that decides: the user's choice, or the task's first."""
        return self.gate.metric or METRICS[self.task][0]

    @property
    def watched(self) -> Metric:
        """The metric that is monitored: the one that decides, unless it is the user's own."""
        known = METRICS[self.task]
        return self.metric if self.metric in known else known[0]

    @model_validator(mode="after")
    def _metric_fits_task(self) -> "Settings":
        if self.metric.startswith(PREFIX):
            if self.gate.margin is None:
                raise ValueError(
                    f"[gate] metric {self.metric!r} has no natural loss to take a share of: "
                    "say in [gate] margin how much worse is still as good"
                )
        elif self.metric not in METRICS[self.task]:
            allowed = ", ".join((*METRICS[self.task], f"{PREFIX}MODULE:FUNCTION"))
            raise ValueError(
                f"[gate] metric {self.metric!r} does not fit a {self.task} task: use {allowed}"
            )
        return self


def read_settings(root: Path) -> Settings:
    """Read and check settings.toml, or stop with every mistake in it."""
    try:
        values = tomllib.loads((root / "settings.toml").read_text(encoding="utf-8"))
        return Settings.model_validate(values)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Stop(Status.SETTINGS, f"settings.toml is not valid TOML: {error}.") from error
    except ValidationError as error:
        raise Stop(Status.SETTINGS, explain(error, Settings, "settings.toml")) from error
