"""The tools beside each other: each is fitted on a reference and says what is wrong with a batch.

No tool is tuned by hand: it gets the reference and the target's name, infers what it infers with
its defaults, and alarms or does not. Each of the others runs in an environment of its own, where
`python peers.py NAME` answers a JSON line for every JSON line it reads; their answers are kept.
"""

import hashlib
import inspect
import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl

Findings = tuple[str, ...]  # none: no alarm
Check = Callable[[pl.DataFrame, date], Findings]  # a batch, and the day on which it is read
Fit = Callable[[pl.DataFrame, str, date], Check]  # the reference, its target, the day

NEWEST = "2026-11-14"  # the same day as in the generated project
KEPT = Path(tempfile.gettempdir()) / "corruption-benchmark"
TIMES = "time "  # how a finding starts that is only about the least or latest date
ERROR = "error "


@dataclass(frozen=True)
class View:
    """A row of the results: which of a peer's findings it counts as an alarm."""

    name: str
    says: str
    only: tuple[str, ...] = ("",)
    but: tuple[str, ...] = ()

    def alarms(self, findings: Findings) -> bool:
        """Whether any counts. A tool that breaks on a batch alarms too."""
        counted = [f for f in findings if f.startswith((*self.only, ERROR))]
        return any(not f.startswith(self.but) for f in counted)


@dataclass(frozen=True)
class Peer:
    """A tool, how to fit it, and what it needs; with no package it runs in this process."""

    fit: Fit
    views: tuple[View, ...]
    package: str = ""
    needs: tuple[str, ...] = ()
    clean: int = 200  # clean batches; fewer for a slow tool
    tables: tuple[str, ...] = ()  # all, or for a very slow tool some


def fit_ours(reference: pl.DataFrame, target: str, today: date) -> Check:
    """The contract that `ml adopt` infers, and the reference profile that training makes."""
    from common import PACKAGE, load_package

    if PACKAGE not in sys.modules:
        load_package()
    from project.adopt.infer import infer_contract
    from project.checks.summarize import build_reference
    from project.steps.validate import validate

    contract = infer_contract(reference.lazy(), target, today)
    profile = build_reference(reference.lazy(), contract)

    def check(batch: pl.DataFrame, today: date) -> Findings:
        found = validate(batch.lazy(), contract, today, reference=profile, fresh=True).findings
        return tuple(f"{f.column}: {f.rule} ({f.severity}): {f.message}" for f in found)

    return check


def fit_pandera_pandas(reference: pl.DataFrame, target: str, today: date) -> Check:
    """`infer_schema` of a pandas frame."""
    import pandera.pandas as pandera

    schema = pandera.infer_schema(reference.to_pandas())

    def check(batch: pl.DataFrame, today: date) -> Findings:
        try:
            schema.validate(batch.to_pandas(), lazy=True)
        except pandera.errors.SchemaErrors as errors:
            failed = errors.failure_cases[["column", "check"]].drop_duplicates()
            return bounds(zip(failed["column"], failed["check"], strict=True))
        return ()

    return check


def fit_pandera_polars(reference: pl.DataFrame, target: str, today: date) -> Check:
    """`infer_schema` of a Polars frame."""
    import pandera.polars as pandera

    schema = pandera.infer_schema(reference)

    def check(batch: pl.DataFrame, today: date) -> Findings:
        try:
            schema.validate(batch, lazy=True)
        except pandera.errors.SchemaErrors as errors:
            return bounds(errors.failure_cases.select("column", "check").unique().rows())
        return ()

    return check


def bounds(failed: Any) -> Findings:
    """Failed checks, with those that compare a date told apart."""
    return tuple(
        f"{TIMES if 'equal_to(2025' in str(check) else ''}{column}: {check}"
        for column, check in failed
    )


def fit_pointblank(reference: pl.DataFrame, target: str, today: date) -> Check:
    """What it infers without a language model, with a validation step for each of it."""
    import pointblank

    filled = [name for name in reference.columns if not reference[name].null_count()]
    schema = pointblank.Schema(tbl=reference)
    fields = pointblank.Schema.from_table(reference).columns

    def check(batch: pl.DataFrame, today: date) -> Findings:
        plan = pointblank.Validate(batch).col_schema_match(schema).col_vals_not_null(filled)
        found = [f"schema {step.column}: {step.assertion_type}" for step in failures(plan)]
        plan = pointblank.Validate(batch)
        for name, field in fields:
            for method, options in steps(name, vars(field)):
                plan = getattr(plan, method)(**options)
        times = [name for name, field in fields if hasattr(field, "min_date")]
        for step in failures(plan):
            start = TIMES if step.column in times else "field "
            found.append(f"{start}{step.column}: {step.assertion_type}")
        return tuple(found)

    return check


def failures(plan: Any) -> list[Any]:
    """The steps of a validation plan that do not pass in every row."""
    return [step for step in plan.interrogate().validation_info if not step.all_passed]


def steps(name: str, field: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The validation step for each constraint of an inferred field; presets have none."""
    nulls, plan = field["nullable"], []
    low = field.get("min_val", field.get("min_date"))
    high = field.get("max_val", field.get("max_date"))
    if low is not None:
        options = {"columns": name, "left": low, "right": high, "na_pass": nulls}
        plan.append(("col_vals_between", options))
    if field.get("allowed"):
        allowed = [*field["allowed"], None] if nulls else field["allowed"]
        plan.append(("col_vals_in_set", {"columns": name, "set": allowed}))
    if field.get("min_length") is not None:
        pattern = f"^(?s:.){{{field['min_length']},{field['max_length']}}}$"
        options = {"columns": name, "pattern": pattern, "na_pass": nulls}
        plan.append(("col_vals_regex", options))
    if field.get("unique") and not nulls:
        plan.append(("rows_distinct", {"columns_subset": [name]}))
    return plan


def fit_tdda(reference: pl.DataFrame, target: str, today: date) -> Check:
    """`discover_df` and `verify_df` with their defaults; its Polars side breaks on dates."""
    from tdda.constraints import discover_df, verify_df

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reference.tdda"
        discover_df(reference.to_pandas(), str(path), verbose=False)
        constraints = json.loads(path.read_text())

    def check(batch: pl.DataFrame, today: date) -> Findings:
        seen = verify_df(batch.to_pandas(), constraints, verbose=False)
        times = seen.constraints
        found = [f"extra: {name}" for name in seen.extra_fields]
        found += [f"missing: {name}" for name in seen.missing_fields]
        for name, results in seen.fields.items():
            dated = times[name]["type"].value == "date"
            failed = [kind for kind, passed in results.items() if not passed]
            found += [
                f"{TIMES if dated and kind in ('min', 'max') else ''}{name}: {kind}"
                for kind in failed
            ]
        return tuple(found)

    return check


def fit_tfdv(reference: pl.DataFrame, target: str, today: date) -> Check:
    """`infer_schema` and `validate_statistics` with their defaults."""
    import tensorflow_data_validation as tfdv

    def count(rows: pl.DataFrame) -> Any:
        return tfdv.generate_statistics_from_dataframe(rows.to_pandas(), n_jobs=1)

    schema = tfdv.infer_schema(count(reference))

    def check(batch: pl.DataFrame, today: date) -> Findings:
        found = tfdv.validate_statistics(count(batch), schema).anomaly_info
        return tuple(f"{name}: {found[name].description}" for name in sorted(found))

    return check


def fit_evidently(reference: pl.DataFrame, target: str, today: date) -> Check:
    """`DataDriftPreset` with its own tests, once for the share of columns and once for each."""
    from evidently import Report
    from evidently.metrics.column_statistics import ValueDriftCalculation
    from evidently.presets import DataDriftPreset

    # Its pictures take most of its time and decide nothing.
    DataDriftPreset.render = ValueDriftCalculation._render = lambda *_, **__: []
    old = reference.to_pandas()

    def check(batch: pl.DataFrame, today: date) -> Findings:
        report = Report([DataDriftPreset()], include_tests=True).run(batch.to_pandas(), old)
        failed = [test for test in report.dict()["tests"] if str(test["status"]).endswith("FAIL")]
        return tuple(f"{test['name']}: {test['description']}" for test in failed)

    return check


POLARS, PANDAS, ARROW = "polars>=1.35", "pandas>=2.3,<3", "pyarrow>=22"
PEERS = {
    "ours": Peer(
        fit_ours,
        (View("this project", "the contract that `ml adopt` infers, and the training's profile"),),
    ),
    "pandera-pandas": Peer(
        fit_pandera_pandas,
        (View("pandera, pandas", "`infer_schema`: types, nullability, least and largest values"),),
        package="pandera",
        needs=("pandera[pandas]>=0.27", POLARS, PANDAS, ARROW),
    ),
    "pandera-polars": Peer(
        fit_pandera_polars,
        (View("pandera, Polars", "the same of a Polars frame, and the lengths of texts"),),
        package="pandera",
        needs=("pandera[polars]>=0.35", POLARS),
    ),
    "pointblank": Peer(
        fit_pointblank,
        (
            View(
                "pointblank, schema",
                "without a language model it drafts no plan, so: `col_schema_match` with "
                "`Schema(tbl=...)`, and `col_vals_not_null` for columns without nulls",
                only=("schema",),
            ),
            View(
                "pointblank, fields",
                "as well, a step for each range, set, length and uniqueness that "
                "`Schema.from_table` infers (it infers them to generate data)",
            ),
        ),
        package="pointblank",
        needs=("pointblank>=1.1", POLARS),
    ),
    "tdda": Peer(
        fit_tdda,
        (
            View(
                "tdda",
                "`discover_df` and `verify_df`: types, nulls, signs, least and largest values, "
                "lengths, sets, uniqueness",
            ),
            View(
                "tdda, dates unbound",
                "the same but for the least and largest dates, which the next day breaks",
                but=(TIMES,),
            ),
        ),
        package="tdda",
        needs=("tdda>=3.3", POLARS, PANDAS, ARROW),
    ),
    "tfdv": Peer(
        fit_tfdv,
        (
            View(
                "TFDV",
                "`infer_schema` and `validate_statistics`: types, presence, sets; it compares "
                "distributions only where thresholds are set by hand",
            ),
        ),
        package="tensorflow-data-validation",
        # the rest are packages that it imports and does not ask for
        needs=("tensorflow-data-validation>=1.16,<1.17", "dill", "setuptools<81", POLARS),
    ),
    "evidently": Peer(
        fit_evidently,
        (
            View(
                "Evidently, share of columns",
                "`DataDriftPreset`, untouched, on the customers alone since a batch takes it "
                "several seconds: at least half of the columns drift",
                only=("Share of Drifted Columns",),
            ),
            View("Evidently, any column", "the same: any column drifts"),
        ),
        package="evidently",
        needs=("evidently>=0.7.20", POLARS, PANDAS, ARROW),
        clean=80,
        tables=("customers",),  # several seconds a batch
    ),
}


class Local:
    """A peer in this process."""

    def __init__(self, name: str) -> None:
        """Fits nothing yet."""
        self.peer = PEERS[name]

    def fit(self, reference: pl.DataFrame, target: str, today: date) -> None:
        """Learn the reference."""
        self.judge = self.peer.fit(reference, target, today)

    def check(self, batch: pl.DataFrame, today: date) -> Findings:
        """What it says of a batch."""
        try:
            return tuple(finding[:200] for finding in self.judge(batch, today))
        except Exception as error:
            return (f"{ERROR}{type(error).__name__}: {str(error)[:100]}",)

    def close(self) -> str:
        """No version: it is the working copy."""
        return ""


class Worker:
    """A peer in an environment of its own; it starts with the first batch that has no answer."""

    def __init__(self, name: str) -> None:
        """Read the answers that are kept."""
        self.name, self.peer, self.process = name, PEERS[name], None
        source = "".join(inspect.getsource(part) for part in (self.peer.fit, bounds, steps))
        self.recipe = digest(f"{source} {self.peer.needs} {NEWEST}".encode())
        self.file = KEPT / f"{name}-{self.recipe}.json"
        self.version: str = self.stored().get("version", "")
        self.answers: dict[str, list[str]] = self.stored().get("answers", {})

    def fit(self, reference: pl.DataFrame, target: str, today: date) -> None:
        """Remember the reference until a batch needs it."""
        self.keep()
        self.reference, self.target, self.today, self.fitted = reference, target, today, False
        self.mark = digest(packed(reference), target.encode())

    def check(self, batch: pl.DataFrame, today: date) -> Findings:
        """What it says of a batch, or said before."""
        key = digest(self.mark.encode(), packed(batch))
        if key not in self.answers:
            if not self.fitted:
                self.ask(self.reference, fit=self.target, today=self.today)
                self.fitted = True
            self.answers[key] = self.ask(batch, today=today)
            if len(self.answers) % 20 == 0:
                self.keep()
        return tuple(self.answers[key])

    def ask(self, rows: pl.DataFrame, *, today: date, fit: str = "") -> list[str]:
        """Send a table, get findings."""
        process = self.process = self.process or self.start()
        with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
            rows.write_parquet(file.name, compression="uncompressed")
            question = {"path": file.name, "fit": fit, "today": today.isoformat()}
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended; see {KEPT / self.name}.log")
        return json.loads(line)

    def start(self) -> subprocess.Popen[str]:
        """Start the environment, and read the version that it says first."""
        KEPT.mkdir(exist_ok=True)
        command = ["uv", "run", "--quiet", "--isolated", "--no-project", "--python", "3.11"]
        command += ["--exclude-newer", NEWEST]
        command += [word for need in self.peer.needs for word in ("--with", need)]
        command += ["python", str(Path(__file__).resolve()), self.name]
        with (KEPT / f"{self.name}.log").open("w") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )
        self.version = process.stdout.readline().strip()
        return process

    def close(self) -> str:
        """Keep the answers and end the process; says the tool's version."""
        if self.process:
            self.process.communicate()
            self.keep()
        return self.version

    def keep(self) -> None:
        """Write down the answers so far, beside those of another run."""
        if self.process:
            self.answers = self.stored().get("answers", {}) | self.answers
            stored = {"version": self.version, "answers": self.answers}
            self.file.write_text(json.dumps(stored))

    def stored(self) -> dict[str, Any]:
        """What the file holds."""
        return json.loads(self.file.read_text()) if self.file.exists() else {}


def packed(rows: pl.DataFrame) -> bytes:
    """A table as bytes."""
    rows.rechunk().write_ipc(buffer := BytesIO())
    return buffer.getvalue()


def digest(*parts: bytes) -> str:
    """A short name for bytes."""
    sums = hashlib.blake2b(digest_size=12)
    for part in parts:
        sums.update(part)
    return sums.hexdigest()


def serve(name: str) -> None:
    """Answer questions until there are none; what the tool prints goes to the log."""
    warnings.simplefilter("ignore")
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    sys.dont_write_bytecode = True
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    answers.write(version(PEERS[name].package) + "\n")
    tool = Local(name)
    for line in sys.stdin:
        question = json.loads(line)
        rows = pl.read_parquet(question["path"])
        today = date.fromisoformat(question["today"])
        found: Findings = ()
        if question["fit"]:
            tool.fit(rows, question["fit"], today)
        else:
            found = tool.check(rows, today)
        answers.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    serve(sys.argv[1])
