"""What Prometheus is told: exact where it counts, summed over workers, and never a secret."""

import asyncio
import re
from pathlib import Path

import numpy as np
import pytest
from _row import ROW as CUSTOMER

from your_package.checks.reference import LEVELS
from your_package.serving.counters import (
    HELP,
    Counters,
    exposition,
    leave,
    shared,
)
from your_package.serving.looks import INNER, Looks, bins_of
from your_package.store.encode import Input

ROW = {**CUSTOMER, "monthly_spend": None}


def told(app, send):
    """The metrics by name and labels."""
    _, _, text = asyncio.run(send(app, "GET", "/metrics"))
    lines = [line for line in text.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_requests_rows_predictions_and_refusals_are_counted(served, small_model, ask, send):
    app = served(small_model())
    for _ in range(3):
        ask(app, "POST", "/predict", {"rows": [ROW] * 2})
    ask(app, "POST", "/predict", {"rows": [ROW | {"plan": "gold"}]})
    ask(app, "GET", "/somewhere")
    found = told(app, send)
    assert found['ml_requests_total{route="/predict",status="200"}'] == 3
    assert found['ml_requests_total{route="/predict",status="422"}'] == 1
    assert found['ml_requests_total{route="other",status="404"}'] == 1
    assert found["ml_rows_total"] == 6
    assert sum(v for n, v in found.items() if n.startswith("ml_predictions_total{")) == 6
    assert found['ml_broken_rules_total{column="plan",rule="values"}'] == 1
    assert found['ml_input_missing_total{column="monthly_spend"}'] == 6
    assert found["ml_request_seconds_count"] == 3
    assert found['ml_batch_rows_bucket{le="2.0"}'] == 3
    for stage in ("read", "wait", "score", "write"):
        assert found[f'ml_stage_seconds_count{{stage="{stage}"}}'] == 3
    parts = [value for name, value in found.items() if name.startswith("ml_stage_seconds_sum")]
    assert sum(parts) == pytest.approx(found["ml_request_seconds_sum"])
    named = 'ml_info{format="onnx",name="small",task="binary",version="v7"}'
    assert found[named] == 1


def test_a_number_is_counted_by_the_quantiles_of_the_training(served, small_model, ask, send):
    app = served(small_model("regression"))
    ask(app, "POST", "/predict", {"rows": [ROW] * 5})
    assert told(app, send)["ml_prediction_value_count"] == 5


def test_each_metric_is_documented_and_no_label_is_what_a_client_sends(
    served, small_model, ask, send
):
    app = served(small_model())
    ask(app, "POST", "/predict", {"rows": [ROW | {"secret": "hush"}, ROW | {"plan": "hush"}]})
    ask(app, "GET", "/hush")
    text = asyncio.run(send(app, "GET", "/metrics"))[2].decode()
    assert "hush" not in text
    found = re.findall(r"^# TYPE (ml_\S+)", text, re.MULTILINE)
    names = {one.removesuffix("_total") for one in found}
    assert names
    assert names <= set(HELP)


def test_workers_sum_what_they_counted_and_the_dead_still_count(tmp_path):
    one, other = Counters(), Counters()
    for counters, number in ((one, 2.0), (other, 3.0)):
        counters.sums["ml_rows",] += number
        counters.gauges["ml_queue_rows",] = number
        counters.histogram((1.0, 2.0), "ml_batch_rows").add(number)
    leave(other, tmp_path, "other")
    found = shared(one, tmp_path, "one")
    assert found.sums["ml_rows",] == 5
    assert found.gauges["ml_queue_rows",] == 3
    assert found.histograms["ml_batch_rows",].counts == [0, 1, 1]
    assert one.sums["ml_rows",] == 2, "asking changes nothing"
    assert shared(other, tmp_path, "other").sums["ml_rows",] == 5
    assert not list(tmp_path.glob("*.part"))
    assert b"ml_batch_rows_sum 5.0" in exposition(found)


def test_many_values_are_counted_as_one_by_one():
    one, many = (
        Counters().histogram((1.0, 2.5, 4.0), "x"),
        Counters().histogram((1.0, 2.5, 4.0), "x"),
    )
    values = np.array([0.0, 1.0, 1.1, 2.5, 4.0, 4.1, 99.0])
    many.add_all(values)
    for value in values.tolist():
        one.add(value)
    assert (one.counts, one.sum) == (many.counts, many.sum)


def test_the_inner_quantiles_are_the_ones_that_a_reference_holds():
    assert LEVELS[INNER] == tuple(n / 40 for n in range(1, 40))


NUMBER, WORD = Input("n", "number"), Input("w", "category")
QUANTILES = [float(q) for q in np.quantile(np.arange(1000), LEVELS)]
KNOWN = {
    "columns": {
        "n": {"quantiles": QUANTILES},
        "w": {"levels": {"a": 0.7, "b": 0.25, "true": 0.05}},
    }
}


def distances(small_model, numbers, words):
    counters = Counters()
    signature = small_model().signature
    looks = Looks(type(signature)(**{**vars(signature), "inputs": (NUMBER, WORD)}), KNOWN, counters)
    numbers, words = np.asarray(numbers, np.float32), np.asarray(words, object)
    for at in range(0, len(numbers), 100):
        looks.add({"n": numbers[at : at + 100], "w": words[at : at + 100]}, 100)
    looks.look()
    return counters


@pytest.mark.parametrize(
    ("shift", "share", "number", "word"),
    [(0, 0.7, 0.0, 0.0), (200, 0.7, 0.2, 0.0), (0, 0.4, 0.0, 0.3), (5000, 0.0, 0.975, 0.7)],
)
def test_distances_are_those_of_the_rows(small_model, shift, share, number, word):
    random = np.random.default_rng(0)
    numbers = random.integers(0, 1000, 8000) + shift
    words = random.choice(["a", "b", "True"], 8000, p=[share, 0.95 - share, 0.05])
    found = distances(small_model, numbers, words).gauges
    assert found["ml_input_drift", "n"] == pytest.approx(number, abs=0.03)
    assert found["ml_input_drift", "w"] == pytest.approx(word, abs=0.03)


def test_a_word_for_each_few_rows_is_no_drift_and_values_that_stop_coming_are(small_model):
    """Of many equal words chance alone makes a total variation of a third in 500 rows."""
    random = np.random.default_rng(0)
    bins = bins_of(WORD, {"levels": {str(n): 1 / 300 for n in range(300)}})
    assert bins
    for rows in (500, 1_000, 5_000, 10_000):
        drawn = random.integers(0, 300, rows).astype(str).astype(object)
        assert bins.moved(bins.counts(drawn), 0) < 0.1
    assert bins.moved(bins.counts(np.full(500, "7", object)), 0) > 0.9
    gone = np.where(np.arange(10_000) < 5_000, random.integers(0, 1000, 10_000), np.nan)
    counters = distances(small_model, gone, np.full(10_000, "a"))
    assert counters.gauges["ml_input_drift", "n"] == pytest.approx(0.5, abs=0.05)


def test_missing_and_new_words_are_counted_and_the_past_is_forgotten(small_model):
    numbers = np.where(np.arange(20_000) < 10_000, 5_000.0, np.arange(20_000) % 1000)
    numbers[:7] = np.nan
    words = np.array(["a", "b", "", "new"], object)[np.arange(20_000) % 4]
    counters = distances(small_model, numbers, words)
    assert counters.sums["ml_input_missing", "n"] == 7
    assert counters.sums["ml_input_missing", "w"] == 5_000
    assert counters.sums["ml_input_unseen", "w"] == 5_000
    assert counters.gauges["ml_input_drift", "n"] < 0.03


def test_few_rows_say_nothing_of_drift(small_model):
    counters = distances(small_model, np.full(400, 9e9), np.full(400, "new"))
    assert not [key for key in counters.gauges if key[0] == "ml_input_drift"]


@pytest.mark.parametrize("known", [{}, {"quantiles": [1.0, 2.0]}, {"levels": {}}])
def test_a_reference_that_says_too_little_gives_no_distance(known):
    assert bins_of(NUMBER, known) is None
    assert bins_of(WORD, known) is None


def test_an_atom_of_the_reference_is_one_bin():
    rows = np.r_[np.zeros(600), np.arange(1, 401)]
    zeros = np.quantile(rows, LEVELS, method="inverted_cdf")
    bins = bins_of(NUMBER, {"quantiles": zeros.tolist()})
    assert bins
    assert bins.expected[0] == pytest.approx(0.6, abs=0.025)
    assert bins.moved(bins.counts(np.r_[np.zeros(600), np.arange(1, 401)]), 0) < 0.03


def test_counts_are_left_whole_or_not_at_all(tmp_path):
    leave(Counters(), tmp_path, "w")
    assert [path.name for path in Path(tmp_path).iterdir()] == ["w.json"]
