"""The service: the model's own answers, a refusal that names the field, never a 500."""

import asyncio
import json

import pytest
from _row import ROW
from hypothesis import example, given
from hypothesis import strategies as st

from your_package.serving.bodies import LARGEST_BATCH
from your_package.serving.request import LARGEST_BODY

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.fixture(scope="session")
def app(served, small_model):
    return served(small_model())


@pytest.mark.parametrize("task", ["binary", "regression", "multiclass"])
def test_an_answer_is_the_one_that_the_model_gives_in_process(
    served, small_model, sample_rows, encoded, ask, task
):
    model = small_model(task)
    rows = sample_rows(task, 2).select(*ROW).to_dicts()
    status, answer = ask(served(model), "POST", "/predict", {"rows": rows})
    expected = model.predict(encoded(task, 2)[0])
    assert status == 200
    assert answer["version"] == "v7"
    assert answer["predictions"] == model.signature.labels(expected)
    if task == "regression":
        assert sorted(answer) == ["id", "predictions", "version"]
    else:
        assert answer["classes"] == list(model.signature.classes)
        assert answer["probabilities"] == expected.tolist()


def test_rows_have_the_same_answers_together_and_one_by_one(app, sample_rows, ask):
    rows = sample_rows(days=1).select(*ROW).to_dicts()
    together = ask(app, "POST", "/predict", {"rows": rows})[1]
    for row, expected in zip(rows, together["probabilities"], strict=True):
        assert ask(app, "POST", "/predict", {"rows": [row]})[1]["probabilities"] == [expected]


def test_a_body_may_arrive_in_pieces_and_columns_in_any_order(app, ask):
    turned = dict(reversed(ROW.items())) | {"a column that nobody knows": [1]}
    wanted = ask(app, "POST", "/predict", {"rows": [ROW]}, headers={"x-request-id": "a"})
    assert wanted[1]["id"] == "a"
    found = ask(app, "POST", "/predict", {"rows": [turned]}, 5, headers={"x-request-id": "a"})
    assert found == wanted


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health/live", 200),
        ("GET", "/health/ready", 200),
        ("POST", "/health/live", 405),
        ("GET", "/predict", 405),
        ("DELETE", "/predict", 405),
        ("GET", "/", 200),
        ("GET", "/version", 200),
        ("GET", "/ping", 200),
        ("GET", "/v2/models/small", 200),
        ("GET", "/v2/models/large", 404),
        ("GET", "/feedback", 405),
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
        ({"tenure_months": "24"}, 'rows[0].tenure_months: "24" is no whole number'),
        ({"tenure_months": True}, "rows[0].tenure_months: true is no whole number"),
        ({"usage_hours": [1]}, "rows[0].usage_hours: a list is no number"),
        ({"plan": 1.5}, "rows[0].plan: 1.5 is no category"),
        ({"plan": {"a": 1}}, "rows[0].plan: a dict is no category"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_its_place(app, ask, change, named):
    status, answer = ask(app, "POST", "/predict", {"rows": [ROW | change]})
    assert (status, answer["error"]) == (422, named)


def test_a_refusal_tells_a_program_the_path_and_the_rule(app, ask):
    wrong = ROW | {"tenure_months": 999, "plan": "gold"}
    status, answer = ask(app, "POST", "/predict", {"rows": [ROW, wrong]})
    assert status == 422
    told = [(one["path"], one["column"], one["rule"]) for one in answer["details"]]
    assert told == [
        ("rows[1].plan", "plan", "values"),
        ("rows[1].tenure_months", "tenure_months", "range"),
    ]
    assert answer["details"][1]["message"] == "999 is outside 0 to 240"


@pytest.mark.parametrize("name", ROW)
def test_a_column_that_is_not_there_is_named_and_one_that_is_null_is_missing(app, ask, name):
    without = {key: value for key, value in ROW.items() if key != name}
    status, answer = ask(app, "POST", "/predict", {"rows": [ROW, without]})
    assert (status, answer["error"]) == (422, f"rows[1].{name}: missing")
    assert answer["details"][0]["rule"] == "missing"
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


@pytest.mark.parametrize("rows", [[], {}, None, "x", [1], [[]], [ROW, None], {"a": [1], "b": []}])
def test_rows_are_a_list_of_objects(app, ask, rows):
    status, answer = ask(app, "POST", "/predict", {"rows": rows})
    assert status == 422
    assert answer["error"].startswith("rows: ")


def test_too_much_is_refused_by_bytes_and_by_rows(app, ask):
    large = b" " * (LARGEST_BODY + 1)
    assert ask(app, "POST", "/predict", large)[0] == 413
    assert ask(app, "POST", "/predict", large, pieces=9)[0] == 413
    many = b'{"rows": [' + b"{}," * LARGEST_BATCH + b"{}]}"
    assert ask(app, "POST", "/predict", many)[0] == 413
    largest = json.dumps({"rows": [ROW]}).encode().ljust(LARGEST_BODY)
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


def test_an_id_goes_through_and_each_request_has_one(app, send):
    body = json.dumps({"rows": [ROW]}).encode()

    def headers(**own):
        return asyncio.run(send(app, "POST", "/predict", body, own))[1]

    assert headers(**{"x-request-id": "order-7"})["x-request-id"] == "order-7"
    assert len(headers(**{"x-request-id": "x" * 999})["x-request-id"]) == 128
    assert headers()["x-request-id"] != headers()["x-request-id"]


def test_a_service_that_is_told_to_stop_is_not_ready_and_still_answers(
    served, small_model, ask, send
):
    app = served(small_model())
    app.draining = True
    assert ask(app, "GET", "/health/ready") == (503, {"status": "draining", "version": "v7"})
    assert ask(app, "GET", "/health/live")[0] == 200
    app.closing = True
    body = json.dumps({"rows": [ROW]}).encode()
    status, headers, _ = asyncio.run(send(app, "POST", "/predict", body))
    assert (status, headers["connection"]) == (200, "close")


def test_a_client_that_goes_away_is_nobody_to_answer(app):
    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        raise AssertionError(message)

    scope = {"type": "http", "method": "POST", "path": "/predict", "headers": []}
    asyncio.run(app(scope, receive, send))


def test_a_body_that_drips_is_not_waited_for(app, monkeypatch):
    from your_package.serving import request

    monkeypatch.setattr(request, "SLOWEST_BODY", 0.05)

    async def drip():
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b" ", "more_body": True}

    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/predict", "headers": []}
    asyncio.run(app(scope, drip, send))
    assert sent[0]["status"] == 408


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/metrics"])
def test_what_it_tells_of_itself_is_there(app, send, path):
    status, headers, content = asyncio.run(send(app, "GET", path))
    kind = {"/openapi.json": "application/json", "/docs": "text/html", "/metrics": "text/plain"}
    assert status == 200
    assert headers["content-type"].startswith(kind[path])
    assert len(content) > 500


def test_the_document_describes_the_rows_by_the_contract(app, ask):
    _, told = ask(app, "GET", "/openapi.json")
    row = told["components"]["schemas"]["Row"]
    assert row["required"] == list(ROW) or sorted(row["required"]) == sorted(ROW)
    assert row["properties"]["tenure_months"] == {"type": "integer", "minimum": 0, "maximum": 240}
    assert row["properties"]["plan"] == {"enum": ["basic", "plus", "pro"]}
    assert row["properties"]["satisfaction"]["type"] == ["integer", "null"]
    assert {"/predict", "/feedback", "/invocations", "/score"} <= set(told["paths"])


@given(st.binary(max_size=60))
def test_no_bytes_make_an_error_of_the_server(app, ask, body):
    assert ask(app, "POST", "/predict", body)[0] == 422
