"""Each platform's own client is answered what /predict answers to the same rows."""

import csv
import io
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton
from conftest import SAMPLES
from real_servers import free_port
from served import JSON, Service, golden, service

Rows = Sequence[Mapping[str, Any]]
NAME = "customer-model"
VERTEX = "/v1/endpoints/1/deployedModels/2"


def lists(rows: Rows) -> list[list]:
    return [[*row.values()] for row in rows]


def columns(rows: Rows) -> dict[str, list]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def split(rows: Rows) -> dict[str, list]:
    return {"columns": [*rows[0]], "index": [*range(len(rows))], "data": lists(rows)}


BODIES: dict[str, tuple[str, Callable[[Rows], dict[str, Any]]]] = {
    "KServe v1": (f"/v1/models/{NAME}:predict", lambda rows: {"instances": rows}),
    "KServe v1 with lists": (f"/v1/models/{NAME}:predict", lambda rows: {"instances": lists(rows)}),
    "SageMaker": ("/invocations", lambda rows: {"instances": rows}),
    "MLflow's instances": ("/invocations", lambda rows: {"instances": rows}),
    "MLflow's inputs": ("/invocations", lambda rows: {"inputs": columns(rows)}),
    "MLflow's inputs as rows": ("/invocations", lambda rows: {"inputs": rows}),
    "MLflow's dataframe_split": ("/invocations", lambda rows: {"dataframe_split": split(rows)}),
    "MLflow's dataframe_records": ("/invocations", lambda rows: {"dataframe_records": rows}),
    "Azure ML": ("/score", lambda rows: {"data": rows}),
    "Azure ML with lists": ("/score", lambda rows: {"data": lists(rows)}),
    "Azure ML's input_data": ("/score", lambda rows: {"input_data": split(rows)}),
}


@pytest.fixture(scope="module", params=SAMPLES)
def bundle(request, bundles) -> Path:
    return bundles(request.param)[0]


@pytest.fixture(scope="module")
def rows(bundle: Path) -> Rows:
    return golden(bundle)["rows"]


@pytest.fixture(scope="module")
def served(bundle, installed, tmp_path_factory) -> Iterator[Service]:
    routes = {"AIP_HEALTH_ROUTE": VERTEX, "AIP_PREDICT_ROUTE": f"{VERTEX}:predict"}
    with service(installed("binary"), bundle, tmp_path_factory.mktemp("service"), **routes) as made:
        yield made


@pytest.fixture(scope="module")
def wanted(served: Service, rows: Rows, bundle: Path) -> dict[str, Any]:
    """What /predict says, which is what the model said when it was made."""
    found = served.predict(rows)
    given = found["probabilities"] if "probabilities" in found else found["predictions"]
    assert np.allclose(given, golden(bundle)["answers"], rtol=0, atol=1e-6)
    return found


@pytest.mark.parametrize("way", BODIES)
def test_each_way_to_send_rows_as_json_gets_the_same_answers(served, rows, wanted, way):
    path, body = BODIES[way]
    answer = served.ask(path, body(rows))
    assert answer.status == 200, answer.content
    assert {key: answer.json[key] for key in wanted} == wanted


def test_kserve_v1_lists_the_model_and_says_that_it_is_ready(served):
    assert served.ask("/v1/models").json == {"models": [NAME]}
    told = served.ask(f"/v1/models/{NAME}").json
    assert (told["name"], told["ready"]) == (NAME, True)


@pytest.mark.parametrize("header", [True, False], ids=["with names", "without names"])
@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig"])  # the latter is a spreadsheet's
@pytest.mark.parametrize("accept", ["application/json", "text/csv"])
def test_sagemaker_sends_csv_and_takes_what_it_accepts(
    served, rows, wanted, header, coding, accept
):
    text = io.StringIO()
    csv.writer(text).writerows([[*rows[0]]] * header + lists(rows))
    told = {"content-type": "text/csv", "accept": accept}
    answer = served.ask("/invocations", text.getvalue().encode(coding), told)
    assert answer.status == 200, answer.content
    assert answer.headers["content-type"] == accept
    if accept == "text/csv":
        assert [line for (line,) in csv.reader(answer.content.decode().splitlines())] == [
            str(one) for one in wanted["predictions"]
        ]
    else:
        assert {key: answer.json[key] for key in wanted} == wanted


def test_sagemaker_is_answered_its_ping_within_two_seconds(served):
    start = time.monotonic()
    assert served.ask("/ping").status == 200
    assert time.monotonic() - start < 2


def test_vertex_ai_gets_one_prediction_for_each_instance(served, rows, wanted):
    assert served.ask(VERTEX).status == 200
    answer = served.ask(f"{VERTEX}:predict", {"instances": rows, "parameters": {}})
    assert [*answer.json] == ["predictions"]
    if "classes" not in wanted:
        assert answer.json["predictions"] == wanted["predictions"]
        return
    told = zip(wanted["predictions"], wanted["probabilities"], strict=True)
    assert answer.json["predictions"] == [
        {"prediction": label, "classes": wanted["classes"], "scores": scores}
        for label, scores in told
    ]


def test_azure_ml_asks_the_root_whether_it_lives(served):
    assert served.ask("/").status == 200


@pytest.fixture(scope="module")
def client(served: Service) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(f"127.0.0.1:{served.port}") as made:
        yield made


def tensors(rows: Rows, numbers: str, binary: bool) -> list[triton.InferInput]:
    """A tensor a column: whole numbers as INT64, others as told, words as BYTES."""
    found = []
    for name, values in columns(rows).items():
        if any(isinstance(value, str) for value in values):
            kind, array = "BYTES", np.array(values, dtype=object)
        elif all(isinstance(value, int) for value in values):
            kind, array = "INT64", np.array(values, dtype=np.int64)
        else:
            kind, array = numbers, np.array(values, dtype={"FP32": "f4", "FP64": "f8"}[numbers])
        found.append(triton.InferInput(name, [len(rows)], kind))
        found[-1].set_data_from_numpy(array, binary_data=binary)
    return found


def test_triton_finds_the_server_and_the_model(client, wanted):
    version = wanted["version"]
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(NAME)
    assert client.is_model_ready(NAME, version)
    assert not client.is_model_ready("another")
    assert client.get_server_metadata()["name"] == "ml-serve"
    assert client.get_model_metadata(NAME)["versions"] == [version]
    assert client.get_model_metadata(NAME, version) == client.get_model_metadata(NAME)


def test_triton_is_told_what_to_send(client, rows, wanted):
    told = client.get_model_metadata(NAME)
    kinds = {one["name"]: one["datatype"] for one in told["inputs"]}
    assert kinds == {
        name: "BYTES" if isinstance(value, str) else "FP64" for name, value in rows[0].items()
    }
    answer = client.infer(NAME, tensors(rows, "FP64", binary=True)).get_response()
    found = {one["name"]: one["datatype"] for one in answer["outputs"]}
    assert found == {one["name"]: one["datatype"] for one in told["outputs"]}


@pytest.mark.parametrize("numbers", ["FP64", "FP32"])
@pytest.mark.parametrize("binary", [True, False], ids=["binary tensors", "JSON"])
@pytest.mark.parametrize("by_version", [False, True], ids=["any version", "by version"])
def test_triton_reads_the_same_answers(client, served, rows, numbers, binary, by_version):
    if not binary:  # JSON has no NaN, and tensors no null
        rows = [row for row in rows if None not in row.values()]
    wanted = served.predict(rows)
    version = wanted["version"] if by_version else ""
    answer = client.infer(NAME, tensors(rows, numbers, binary), version, request_id="mine")
    assert answer.as_numpy("predictions").tolist() == wanted["predictions"]
    assert answer.get_response()["model_version"] == wanted["version"]
    assert answer.get_response()["id"] == "mine"
    if "probabilities" in wanted:
        assert answer.as_numpy("probabilities").tolist() == wanted["probabilities"]


@pytest.mark.parametrize("binary", [True, False], ids=["binary tensors", "JSON"])
def test_triton_gets_the_outputs_that_it_asks_for(client, rows, wanted, binary):
    outputs = [triton.InferRequestedOutput("predictions", binary_data=binary)]
    answer = client.infer(NAME, tensors(rows, "FP64", binary=True), outputs=outputs)
    found = answer.as_numpy("predictions").tolist()
    assert [one.decode() if isinstance(one, bytes) else one for one in found] == wanted[
        "predictions"
    ]
    assert answer.as_numpy("probabilities") is None
    outputs = [triton.InferRequestedOutput("another", binary_data=binary)]
    with pytest.raises(triton.InferenceServerException, match="another"):
        client.infer(NAME, tensors(rows, "FP64", binary=True), outputs=outputs)


def test_triton_is_told_what_was_wrong(client, rows):
    broken = [{**rows[0], "plan": "gold"}]
    with pytest.raises(triton.InferenceServerException, match=r"rows\[0\]\.plan"):
        client.infer(NAME, tensors(broken, "FP64", binary=True))


@pytest.mark.parametrize("variable", ["PORT", "AIP_HTTP_PORT"])
def test_a_platform_names_the_port(bundles, installed, tmp_path, variable):
    (bundle,) = bundles()
    with service(installed("binary"), bundle, tmp_path, **{variable: str(free_port())}) as made:
        assert made.ask("/version").json["version"] in json.dumps(
            made.predict(golden(bundle)["rows"])
        )


def test_it_says_nothing_and_leaves_nothing_behind(bundles, installed, tmp_path):
    """ONNX Runtime, for one, would tell its maker of each use, and keep an identifier at home."""
    (bundle,), home = bundles(), tmp_path / "home"
    with service(installed("binary"), bundle, tmp_path, HOME=str(home), CI="") as made:
        made.predict(golden(bundle)["rows"])
    assert not made.log.read_text(encoding="utf-8")
    assert not home.exists()


def test_an_id_is_passed_through_and_a_missing_one_made(served, rows):
    answer = served.ask("/predict", {"rows": rows}, {**JSON, "x-request-id": "mine"})
    assert answer.json["id"] == answer.headers["x-request-id"] == "mine"
    first, second = (served.ask("/predict", {"rows": rows}) for _ in range(2))
    assert first.json["id"] != second.json["id"] == second.headers["x-request-id"]
