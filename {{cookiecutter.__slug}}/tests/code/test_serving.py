"""The service: the model's own answers, a refusal that names the field, never a 500."""

import asyncio
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from your_package.serving import app as service
from your_package.serving.app import build_app

ROW = {
    "region": "north",
    "plan": "plus",
    "tenure_months": 24,
    "support_calls": 1,
    "usage_hours": 20.5,
    "monthly_spend": 45.0,
    "satisfaction": 7,
}
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.fixture(scope="session")
def app(small_model):
    return build_app(small_model(), "v7")


@pytest.mark.parametrize("task", ["binary", "regression", "multiclass"])
def test_an_answer_is_the_one_that_the_model_gives_in_process(
    small_model, sample_rows, encoded, ask, task
):
    model = small_model(task)
    rows = sample_rows(task, 2).select(*ROW).to_dicts()
    status, answer = ask(build_app(model, "v7"), "POST", "/predict", {"rows": rows})
    expected = model.predict(encoded(task, 2)[0])
    assert status == 200
    assert answer["version"] == "v7"
    assert answer["predictions"] == model.signature.labels(expected)
    if task == "regression":
        assert sorted(answer) == ["predictions", "version"]
    else:
        assert answer["classes"] == list(model.signature.classes)
        assert np.array_equal(answer["probabilities"], expected)


def test_rows_have_the_same_answers_together_and_one_by_one(app, sample_rows, ask):
    rows = sample_rows(days=1).select(*ROW).to_dicts()
    together = ask(app, "POST", "/predict", {"rows": rows})[1]
    for row, expected in zip(rows, together["probabilities"], strict=True):
        assert ask(app, "POST", "/predict", {"rows": [row]})[1]["probabilities"] == [expected]


def test_a_body_may_arrive_in_pieces_and_columns_in_any_order(app, ask):
    turned = dict(reversed(ROW.items())) | {"a column that nobody knows": [1]}
    wanted = ask(app, "POST", "/predict", {"rows": [ROW]})
    assert ask(app, "POST", "/predict", {"rows": [turned]}, pieces=5) == wanted


def test_requests_that_wait_together_are_scored_as_one_and_answered_apart(small_model):
    model, calls = small_model(), []

    def predict(inputs):
        calls.append(len(inputs["plan"]))
        return model.predict(inputs)

    batcher = service.Batcher(replace(model, predict=predict))
    bodies = [{"rows": [{**ROW, "satisfaction": n}] * n} for n in range(1, 11)]
    asked = [service.read_rows(json.dumps(body).encode(), model) for body in bodies]

    async def ask_all():
        return await asyncio.gather(*(batcher.predict(inputs) for inputs in asked))

    answers = asyncio.run(ask_all())
    assert calls == [55]
    for inputs, answer in zip(asked, answers, strict=True):
        assert np.array_equal(answer, model.predict(inputs))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health/live", 200),
        ("GET", "/health/ready", 200),
        ("POST", "/health/live", 405),
        ("GET", "/predict", 405),
        ("DELETE", "/predict", 405),
        ("GET", "/", 404),
        ("POST", "/predict/", 404),
        ("GET", "/é\n", 404),
    ],
)
def test_each_address_answers_its_own_methods(app, ask, method, path, status):
    assert ask(app, method, path)[0] == status


def test_ready_says_which_version_answers(app, ask):
    assert ask(app, "GET", "/health/ready")[1] == {"status": "ready", "version": "v7"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"tenure_months": "24"}, 'rows[0].tenure_months: "24" is no number'),
        ({"tenure_months": True}, "rows[0].tenure_months: true is no number"),
        ({"usage_hours": [1]}, "rows[0].usage_hours: a list is no number"),
        ({"plan": 1.5}, "rows[0].plan: 1.5 is no category"),
        ({"plan": {"a": 1}}, "rows[0].plan: a dict is no category"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_its_place(app, ask, change, named):
    status, answer = ask(app, "POST", "/predict", {"rows": [ROW | change]})
    assert (status, answer["error"]) == (422, named)


@pytest.mark.parametrize("name", ROW)
def test_a_column_that_is_not_there_is_named_and_one_that_is_null_is_missing(app, ask, name):
    without = {key: value for key, value in ROW.items() if key != name}
    status, answer = ask(app, "POST", "/predict", {"rows": [ROW, without]})
    assert (status, answer["error"]) == (422, f"rows[1].{name}: missing")
    may_be = name in ("monthly_spend", "satisfaction")
    status = ask(app, "POST", "/predict", {"rows": [ROW | {name: None}]})[0]
    assert status == (200 if may_be else 422)


def test_a_wrong_row_among_many_is_found(app, ask):
    rows = [ROW] * 500 + [ROW | {"plan": []}]
    status, answer = ask(app, "POST", "/predict", {"rows": rows})
    assert (status, answer["error"]) == (422, "rows[500].plan: a list is no category")


@pytest.mark.parametrize("body", [b"", b"{", b"5", b"null", b"[]", b'"rows"', b"{}", b"\xff"])
def test_a_body_that_is_not_the_question_is_refused_with_the_question(app, ask, body):
    status, answer = ask(app, "POST", "/predict", body)
    assert status == 422
    assert '{"rows": ' in answer["error"]


@pytest.mark.parametrize("rows", [[], {}, None, "x", [1], [[]], [ROW, None]])
def test_rows_are_a_list_of_objects(app, ask, rows):
    status, answer = ask(app, "POST", "/predict", {"rows": rows})
    assert status == 422
    assert answer["error"].startswith("rows: ")


def test_too_much_is_refused_by_bytes_and_by_rows(app, ask):
    large = b" " * (service.LARGEST_BODY + 1)
    assert ask(app, "POST", "/predict", large)[0] == 413
    assert ask(app, "POST", "/predict", large, pieces=9)[0] == 413
    many = b'{"rows": [' + b"{}," * service.LARGEST_BATCH + b"{}]}"
    assert ask(app, "POST", "/predict", many)[0] == 413
    largest = json.dumps({"rows": [ROW]}).encode().ljust(service.LARGEST_BODY)
    assert ask(app, "POST", "/predict", largest)[0] == 200


@given(value=anything)
def test_no_json_makes_an_error_of_the_server(app, ask, value):
    for body in (value, {"rows": value}, {"rows": [value]}):
        assert ask(app, "POST", "/predict", body)[0] in (200, 422)


@given(name=st.sampled_from(sorted(ROW)), value=anything)
@example(name="plan", value="\0")
@example(name="plan", value="\ud800")
@example(name="usage_hours", value=10**400)
@example(name="usage_hours", value=1e308)
@example(name="usage_hours", value=-(2**63))
@pytest.mark.filterwarnings("ignore:overflow")
def test_no_value_makes_an_error_of_the_server_and_every_answer_is_a_probability(
    app, ask, name, value
):
    status, answer = ask(app, "POST", "/predict", {"rows": [ROW | {name: value}]})
    assert status in (200, 422)
    if status == 200:
        assert sum(answer["probabilities"][0]) == pytest.approx(1)
    elif "rows[0]" in answer["error"]:
        assert f"rows[0].{name}: " in answer["error"]


@pytest.mark.parametrize("depth", [100, 500, 1000, 5000, 100_000])
def test_no_depth_makes_an_error_of_the_server(app, ask, depth):
    deep = b"[" * depth + b"]" * depth
    body = json.dumps({"rows": [ROW | {"plan": "DEEP"}]}).encode().replace(b'"DEEP"', deep)
    assert ask(app, "POST", "/predict", body)[0] == 422


@given(st.binary(max_size=60))
def test_no_bytes_make_an_error_of_the_server(app, ask, body):
    assert ask(app, "POST", "/predict", body)[0] == 422
