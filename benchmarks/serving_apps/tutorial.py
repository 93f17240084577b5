"""A service as FastAPI's tutorials write it: a typed body, a `def` endpoint, scikit-learn.

python tutorial.py PORT MODEL
"""

import sys
from pathlib import Path
from typing import Literal

import cloudpickle
import pandas as pd
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

model = cloudpickle.loads(Path(sys.argv[2]).read_bytes())
app = FastAPI()


class Row(BaseModel):
    """What the model reads."""

    age: float
    months: float
    fee: float
    calls: float
    minutes: float
    data: float | None
    complaints: float
    distance: float | None
    discount: float
    score: float | None
    plan: Literal["basic", "plus", "pro", "family"]
    region: str
    channel: Literal["shop", "web", "phone", "partner", "other"]
    device: Literal["android", "ios", "none"]
    payment: Literal["card", "debit", "invoice", "transfer"]


class Question(BaseModel):
    """A request."""

    rows: list[Row]


@app.post("/predict")
def predict(question: Question) -> dict[str, list[list[float]]]:
    """Probabilities of each row."""
    rows = pd.DataFrame([row.model_dump() for row in question.rows])
    return {"probabilities": model.predict_proba(rows).tolist()}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
