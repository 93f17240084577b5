"""Every platform asks in its own words, and gets the answer that /predict gives."""

import asyncio
import json
import struct
from contextlib import suppress

import numpy as np
import pytest
from _row import ROW as CUSTOMER
from hypothesis import given
from hypothesis import strategies as st

from your_package.serving.app import App, Where
from your_package.serving.bodies import (
    KINDS,
    Refused,
    tensor_rows,
)
from your_package.serving.counters import Counters
from your_package.serving.loaded import build

ROW = {**CUSTOMER, "monthly_spend": None}
ROWS = [ROW, ROW | {"plan": "basic", "monthly_spend": 45.0}]
NAMES = [*ROW]
LISTS = [[row[name] for name in NAMES] for row in ROWS]
COLUMNS = {name: [row[name] for row in ROWS] for name in NAMES}
WORDS = ("region", "plan")


@pytest.fixture(scope="session")
def app(served, small_model):
    return served(small_model())


@pytest.fixture(scope="session")
def names(small_model):
    """The order of the contract."""
    return [column.name for column in small_model().signature.inputs]


@pytest.fixture(scope="session")
def wanted(app, ask):
    return ask(app, "POST", "/predict", {"rows": ROWS})[1]


def in_order(names):
    return [[row[name] for name in names] for row in ROWS]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/predict", {"instances": ROWS}),
        ("/predict", {"rows": COLUMNS}),
        ("/predict", {"columns": NAMES, "data": LISTS}),
        ("/invocations", {"dataframe_split": {"columns": NAMES, "data": LISTS}}),
        ("/invocations", {"dataframe_split": {"columns": NAMES, "data": LISTS, "index": [0, 1]}}),
        ("/invocations", {"dataframe_records": ROWS}),
        ("/invocations", {"inputs": COLUMNS}),
        ("/score", {"data": ROWS}),
        ("/score", {"input_data": {"columns": NAMES, "index": [0, 1], "data": LISTS}}),
        ("/v1/models/small:predict", {"instances": ROWS}),
    ],
)
def test_rows_come_in_many_shapes_and_mean_the_same(app, ask, wanted, path, body):
    status, answer = ask(app, "POST", path, body)
    assert status == 200, answer
    assert answer | {"id": ""} == wanted | {"id": ""}


def test_lists_without_names_are_in_the_order_of_the_contract(app, ask, wanted, names):
    for path in ("/v1/models/small:predict", "/score", "/predict"):
        key = "data" if path == "/score" else "instances"
        answer = ask(app, "POST", path, {key: in_order(names)})[1]
        assert answer["probabilities"] == wanted["probabilities"]


@pytest.mark.parametrize("header", [True, False])
def test_csv_comes_with_names_or_in_the_order_of_the_contract(app, send, wanted, names, header):
    order = NAMES if header else names
    lines = [",".join("" if row[n] is None else str(row[n]) for n in order) for row in ROWS]
    content = "\r\n".join([",".join(order), *lines] if header else lines).encode()
    told = {"content-type": "text/csv; charset=utf-8", "accept": "text/csv"}
    status, headers, answer = asyncio.run(send(app, "POST", "/invocations", content, told))
    assert (status, headers["content-type"]) == (200, "text/csv")
    assert answer.decode().split() == [str(label) for label in wanted["predictions"]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b\n1,2\n", "row 0 has 2 values"),
        ("", "no row"),
        ("north,plus,x,1,2,3,4\n", "is no"),
        (b"\xff,1\n", "no CSV"),
    ],
)
def test_csv_that_cannot_be_rows_is_refused_in_words(app, ask, content, said):
    body = content if isinstance(content, bytes) else content.encode()
    status, answer = ask(app, "POST", "/invocations", body, headers={"content-type": "text/csv"})
    assert status == 422
    assert said in answer["error"]


def tensors(columns):
    kinds = {name: "BYTES" if name in WORDS else "FP64" for name in columns}
    return [
        {"name": name, "shape": [len(values), 1], "datatype": kinds[name], "data": values}
        for name, values in columns.items()
    ]


def test_tensors_are_asked_and_answered_by_version_two(app, ask, wanted):
    body = {"id": "7", "inputs": tensors(COLUMNS)}
    for path in ("/v2/models/small/infer", "/v2/models/small/versions/v7/infer"):
        status, answer = ask(app, "POST", path, body)
        assert status == 200, answer
        labels, shares = answer["outputs"]
        assert (answer["model_name"], answer["model_version"]) == ("small", "v7")
        assert labels == {
            "name": "predictions",
            "shape": [2],
            "datatype": "INT64",
            "data": wanted["predictions"],
        }
        assert (shares["shape"], shares["datatype"]) == ([2, 2], "FP64")
        assert np.reshape(shares["data"], [2, 2]).tolist() == wanted["probabilities"]


def test_a_tensor_may_hold_its_values_nested_or_as_one_matrix(app, ask, wanted, names):
    nested = [{**one, "data": [[value] for value in one["data"]]} for one in tensors(COLUMNS)]
    matrix = [{"name": "all", "shape": [2, 7], "datatype": "BYTES", "data": in_order(names)}]
    for inputs in (nested, matrix):
        status, answer = ask(app, "POST", "/v2/models/small/infer", {"inputs": inputs})
        assert status == 200, answer
        assert answer["outputs"][0]["data"] == wanted["predictions"]


def binary(columns):
    """As Triton's client packs them."""
    told, content = [], b""
    for name, values in columns.items():
        if name in WORDS:
            part = b"".join(struct.pack("<I", len(v)) + v.encode() for v in values)
        else:
            numbers = [float("nan") if value is None else value for value in values]
            part = np.array(numbers, "<f4").tobytes()
        kind = "BYTES" if name in WORDS else "FP32"
        parameters = {"binary_data_size": len(part)}
        told.append(
            {"name": name, "shape": [len(values)], "datatype": kind, "parameters": parameters}
        )
        content += part
    head = json.dumps({"inputs": told}).encode()
    return head, content


def test_binary_tensors_are_read_and_nan_is_a_missing_value(app, ask, wanted):
    head, content = binary(COLUMNS)
    told = {"inference-header-content-length": str(len(head))}
    body = head + content
    status, answer = ask(app, "POST", "/v2/models/small/infer", body, headers=told)
    assert status == 200, answer
    assert answer["outputs"][0]["data"] == wanted["predictions"]


@given(st.binary(max_size=30), st.integers(-3, 99), st.sampled_from([*KINDS, "BYTES", "?", None]))
def test_no_tensor_makes_an_error_of_the_server(small_model, content, size, kind):
    told = {"name": "n", "datatype": kind, "parameters": {"binary_data_size": size}}
    head = json.dumps({"inputs": [told]}).encode()
    inputs = small_model().signature.inputs
    rows = []
    with suppress(Refused):  # any other exception would be an error of the server
        rows = tensor_rows(head + content, len(head), inputs[:1])
    assert all(set(row) == {"n"} for row in rows)


@pytest.mark.parametrize("length", ["-1", "x", "9999", "1"])
def test_a_header_length_that_lies_is_refused(app, ask, length):
    head, content = binary(COLUMNS)
    told = {"inference-header-content-length": length}
    assert ask(app, "POST", "/v2/models/small/infer", head + content, headers=told)[0] == 422


@pytest.mark.parametrize(
    "inputs", [None, [], {}, [5], [{"name": "n", "data": 5}], tensors(COLUMNS | {"plan": ["pro"]})]
)
def test_tensors_that_are_no_rows_are_refused(app, ask, inputs):
    assert ask(app, "POST", "/v2/models/small/infer", {"inputs": inputs})[0] == 422


def test_vertex_names_its_routes_and_gets_objects(small_model, ask, wanted):
    counters = Counters()
    loaded = build(small_model(), "v7", counters)
    app = App(loaded, counters, where=Where(health="/alive", predict="/ask"))
    assert ask(app, "GET", "/alive")[0] == 200
    _, answer = ask(app, "POST", "/ask", {"instances": ROWS})
    assert [*answer] == ["predictions"]
    first = answer["predictions"][0]
    assert first["prediction"] == wanted["predictions"][0]
    assert first["scores"] == wanted["probabilities"][0]


@pytest.mark.parametrize("task", ["regression", "multiclass"])
def test_other_tasks_are_answered_everywhere(served, small_model, ask, task):
    app = served(small_model(task))
    own = ask(app, "POST", "/predict", {"rows": ROWS})[1]["predictions"]
    answer = ask(app, "POST", "/v2/models/small/infer", {"inputs": tensors(COLUMNS)})[1]
    kind = "FP64" if task == "regression" else "BYTES"
    assert (answer["outputs"][0]["datatype"], answer["outputs"][0]["data"]) == (kind, own)
    told = ask(app, "GET", "/v2/models/small")[1]
    assert told["outputs"][0]["datatype"] == kind
    assert len(told["inputs"]) == len(NAMES)
