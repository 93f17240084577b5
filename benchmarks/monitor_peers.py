"""Other tools on the weeks of monitor.py, as they come. Runs in an environment of their own.

python monitor_peers.py nannyml|evidently FOLDER ...   # JSON: which weeks alarm, by view
"""

import json
import os
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import polars as pl

os.environ |= {"NML_DISABLE_USAGE_LOGGING": "1", "DO_NOT_TRACK": "1"}  # they tell of their use
TARGET, SAID, LABEL = "churned", "said", "label"
Alarms = dict[str, list[bool]]


def read(place: Path) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Reference, weeks, and the rows of a week."""
    known = pl.read_parquet(place / "reference.parquet").to_pandas()
    weeks = pl.read_parquet(place / "weeks.parquet")
    size = len(weeks) // weeks["week"].n_unique()
    return known, weeks.to_pandas(), size


def nannyml(place: Path) -> Alarms:
    """Univariate drift of every column with the default methods; and CBPE of AUC."""
    import nannyml as nml

    known, weeks, size = read(place)
    columns = [name for name in known.columns if name not in (TARGET, SAID, LABEL)]
    drift = nml.UnivariateDriftCalculator(column_names=columns, chunk_size=size)
    found = drift.fit(known).calculate(weeks.drop(columns="week")).to_df()
    alerts = found.loc[:, [c for c in found.columns if c[-1] == "alert"]]
    analysis = (found["chunk", "chunk", "period"] == "analysis").to_numpy()
    estimator = nml.CBPE(
        y_pred_proba=SAID,
        y_pred=LABEL,
        y_true=TARGET,
        problem_type="classification_binary",
        metrics=["roc_auc"],
        chunk_size=size,
    )
    told = estimator.fit(known).estimate(weeks.drop(columns="week")).to_df()
    later = (told["chunk", "period"] == "analysis").to_numpy()
    return {
        "NannyML, any column": alerts[analysis].any(axis=1).tolist(),
        "NannyML, CBPE": told["roc_auc", "alert"][later].astype(bool).tolist(),
    }


def evidently(place: Path) -> Alarms:
    """`DataDriftPreset` with its own tests: half of the columns, or any."""
    from evidently import Report
    from evidently.metrics.column_statistics import ValueDriftCalculation
    from evidently.presets import DataDriftPreset

    DataDriftPreset.render = ValueDriftCalculation._render = lambda *_, **__: []
    known, weeks, _ = read(place)
    inputs = [name for name in known.columns if name not in (TARGET, SAID, LABEL)]
    half, any_ = [], []
    for _, batch in weeks.groupby("week"):
        report = Report([DataDriftPreset()], include_tests=True)
        tests = report.run(batch[inputs], known[inputs]).dict()["tests"]
        failed = [test["name"] for test in tests if str(test["status"]).endswith("FAIL")]
        half.append(any(name.startswith("Share of Drifted Columns") for name in failed))
        any_.append(bool(failed))
    return {"Evidently, default": half, "Evidently, any column": any_}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    name, *places = sys.argv[1:]
    judge = {"nannyml": nannyml, "evidently": evidently}[name]
    alarms = [judge(Path(place)) for place in places]
    print(json.dumps({"version": version(name), "alarms": alarms}))
