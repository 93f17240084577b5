"""A BentoML service with its adaptive batching.

MODEL=… bentoml serve bento:Scorer --port PORT
"""

import os
from pathlib import Path
from typing import Any

import bentoml
import cloudpickle
import numpy as np
import pandas as pd


@bentoml.service(workers=1, metrics={"enabled": False}, logging={"access": {"enabled": False}})
class Scorer:
    """One model in one process."""

    def __init__(self) -> None:
        """Load it."""
        self.model = cloudpickle.loads(Path(os.environ["MODEL"]).read_bytes())

    @bentoml.api(batchable=True, max_batch_size=1000, max_latency_ms=60_000)
    def predict(self, rows: list[dict[str, Any]]) -> np.ndarray:
        """Probabilities of each row. A list, since 1.4 cannot join the tables that it reads."""
        return self.model.predict_proba(pd.DataFrame(rows))
