"""Each platform's way to ask and to be answered: the same rows, the same model, other words."""

import csv
import io
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson

from ..store.encode import Input
from ..store.model import Signature
from .batcher import Answers
from .bodies import Refused, csv_rows, json_rows, parse, tensor_rows
from .rules import Row, shown

JSON, CSV = b"application/json", b"text/csv"
Headers = Mapping[bytes, bytes]
TENSORS = {"number": "FP64", "category": "BYTES", "text": "BYTES"}
TRUE_TYPES: dict[type, str] = {bool: "BOOL", int: "INT64", float: "FP64", str: "BYTES"}


class Reply(NamedTuple):
    """What there is to say to one request."""

    signature: Signature
    answers: Answers
    version: str
    id: str
    headers: Headers
    body: bytes


class Platform(NamedTuple):
    """How rows are read from a body, and an answer written as bytes with its type."""

    read: Callable[[bytes, Headers, tuple[Input, ...]], list[Row]]
    write: Callable[[Reply], tuple[bytes, bytes]]


def read_rows(body: bytes, headers: Headers, inputs: tuple[Input, ...]) -> list[Row]:
    """CSV where the request says so, else JSON."""
    if headers.get(b"content-type", JSON).startswith(CSV):
        return csv_rows(body, inputs)
    return json_rows(parse(body), inputs)


def read_tensors(body: bytes, headers: Headers, inputs: tuple[Input, ...]) -> list[Row]:
    """The Open Inference Protocol, version 2."""
    return tensor_rows(body, _json_length(body, headers), inputs)


def _json_length(body: bytes, headers: Headers) -> int | None:
    told = headers.get(b"inference-header-content-length")
    if told is None:
        return None
    if told.isdigit() and len(told) < 10 and int(told) <= len(body):
        return int(told)
    raise Refused(422, "inference-header-content-length is not the length of the JSON part")


def write_own(reply: Reply) -> tuple[bytes, bytes]:
    """Predictions in the target's words, with probabilities where there are classes."""
    signature, (labels, values, _), version, id_, *_ = reply
    if not signature.classes:
        return orjson.dumps({"predictions": labels, "version": version, "id": id_}), JSON
    told = {
        "predictions": labels,
        "classes": signature.classes,
        "probabilities": values,
        "version": version,
        "id": id_,
    }
    return orjson.dumps(told), JSON


def write_invocations(reply: Reply) -> tuple[bytes, bytes]:
    """As own, or a line a row where CSV is accepted: SageMaker's batch transform."""
    if not reply.headers.get(b"accept", JSON).startswith(CSV):
        return write_own(reply)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([label] for label in reply.answers.labels)
    return text.getvalue().encode(), CSV


def write_objects(reply: Reply) -> tuple[bytes, bytes]:
    """An object a row: all that Vertex hands on is the list of predictions."""
    labels, classes = reply.answers.labels, reply.signature.classes
    if not classes:
        return orjson.dumps({"predictions": labels}), JSON
    told = [
        {"prediction": label, "classes": classes, "scores": scores}
        for label, scores in zip(labels, reply.answers.values, strict=True)
    ]
    return orjson.dumps({"predictions": told}), JSON


def write_tensors(reply: Reply) -> tuple[bytes, bytes]:
    """A tensor of predictions, and one of probabilities: those that were asked for, or both."""
    told = parse(reply.body[: _json_length(reply.body, reply.headers)])
    signature, (labels, values, _), rows = reply.signature, reply.answers, len(reply.answers.labels)
    outputs = [_tensor("predictions", [rows], _answer_type(signature), labels)]
    if signature.classes:
        flat, shape = [share for row in values for share in row], [rows, len(signature.classes)]
        outputs.append(_tensor("probabilities", shape, "FP64", flat))
    named = {"model_name": signature.name, "model_version": reply.version}
    found = {**named, "id": told.get("id", reply.id), "outputs": _wanted(outputs, told)}
    return orjson.dumps(found), JSON


def _wanted(outputs: list[dict[str, Any]], told: dict[str, Any]) -> list[dict[str, Any]]:
    """The outputs that a request names; all of them if it names none."""
    asked = told.get("outputs")
    if not isinstance(asked, list) or not asked:
        return outputs
    known = {one["name"]: one for one in outputs}
    names = [one.get("name") if isinstance(one, dict) else None for one in asked]
    for name in names:
        if not isinstance(name, str) or name not in known:
            raise Refused(422, f"outputs: {shown(name)} is none of {', '.join(known)}")
    return [known[name] for name in names]


def _tensor(name: str, shape: list[int], kind: str, data: list[Any]) -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": kind, "data": data}


def metadata(signature: Signature, version: str) -> dict[str, Any]:
    """What the Open Inference Protocol tells of a model."""
    inputs = [
        {"name": c.name, "datatype": TENSORS.get(c.kind, "BYTES"), "shape": [-1]}
        for c in signature.inputs
    ]
    outputs = [{"name": "predictions", "datatype": _answer_type(signature), "shape": [-1]}]
    if signature.classes:
        shape = [-1, len(signature.classes)]
        outputs.append({"name": "probabilities", "datatype": "FP64", "shape": shape})
    named = {"name": signature.name, "versions": [version], "platform": f"ml_{signature.format}"}
    return {**named, "inputs": inputs, "outputs": outputs}


def _answer_type(signature: Signature) -> str:
    return TRUE_TYPES[type(signature.classes[0])] if signature.classes else "FP64"


OWN = Platform(read_rows, write_own)
INVOCATIONS = Platform(read_rows, write_invocations)
OBJECTS = Platform(read_rows, write_objects)
TENSOR = Platform(read_tensors, write_tensors)


def asked(signature: Signature, version: str, vertex: str = "") -> dict[str, Platform]:
    """Where predictions are asked for, and in which words."""
    name = signature.name
    told = {
        "/predict": OWN,
        "/invocations": INVOCATIONS,  # SageMaker, MLflow
        "/score": OWN,  # Azure ML
        f"/v1/models/{name}:predict": OWN,  # KServe v1
        f"/v2/models/{name}/infer": TENSOR,  # KServe v2, Seldon, Triton
        f"/v2/models/{name}/versions/{version}/infer": TENSOR,
    }
    return told | ({vertex: OBJECTS} if vertex else {})
