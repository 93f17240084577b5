"""Package the estimator as MLflow's documentation says: with a signature, answering probabilities.

python package_mlflow.py PICKLE QUESTIONS FOLDER
"""

import json
import sys
from pathlib import Path

import cloudpickle
import mlflow
import pandas as pd
from mlflow.models import infer_signature

pickled, questions, folder = map(Path, sys.argv[1:])
estimator = cloudpickle.loads(pickled.read_bytes())
rows = pd.DataFrame(json.loads(questions.read_text()))
numbers = rows.select_dtypes("number").columns
rows = rows.astype(dict.fromkeys(numbers, "float64"))  # a whole number today may not be one later
mlflow.sklearn.save_model(
    estimator,
    folder,
    signature=infer_signature(rows, estimator.predict_proba(rows)),
    pyfunc_predict_fn="predict_proba",
    serialization_format="cloudpickle",
)
