"""What the service tells of itself: an OpenAPI document made of the contract, and a page to try."""

from importlib.resources import files
from typing import Any

import orjson

from ..store.encode import Input
from ..store.model import Signature
from .bodies import LARGEST_BATCH
from .loaded import Loaded
from .platforms import asked
from .request import Answer, Handler, Request

ERRORS = {
    "404": "no such address",
    "405": "another method is needed",
    "408": "the body came too slowly",
    "409": "the service keeps no log",
    "413": "too many bytes or rows",
    "422": "a row breaks the contract: `details` has the path and the rule of each value",
    "503": "too many rows wait: try again after `Retry-After` seconds",
}
KINDS: dict[str, dict[str, str]] = {
    "number": {"type": "number"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
}


def column_schema(column: Input) -> dict[str, Any]:
    """The contract's rules for one value, as JSON Schema."""
    found: dict[str, Any] = dict(KINDS.get(column.kind, {"type": ["string", "integer", "boolean"]}))
    if column.integer:
        found["type"] = "integer"
    if column.range:
        found["minimum"], found["maximum"] = column.range
    if column.shape:
        found["pattern"] = f"^(?:{column.shape})$"
    if column.values is not None:
        found = {"enum": [*column.values]}
    if column.nullable:
        kinds = found.get("type", [])
        found |= {"enum": [*found["enum"], None]} if "enum" in found else {}
        found |= (
            {"type": [*([kinds] if isinstance(kinds, str) else kinds), "null"]} if kinds else {}
        )
    return found


def document(loaded: Loaded) -> dict[str, Any]:
    """OpenAPI 3.1; the routes of tensors are described by their own protocol."""
    signature, version = loaded.model.signature, loaded.version
    rows = {"type": "array", "items": {"$ref": "#/components/schemas/Row"}, "minItems": 1}
    body = _object({"rows": {**rows, "maxItems": LARGEST_BATCH}})
    if loaded.example:
        body["examples"] = [{"rows": [loaded.example]}]
    ways = asked(signature, version)
    posted = {path: _asking(path) for path in ways if not path.endswith("/infer")}
    return {
        "openapi": "3.1.0",
        "info": {"title": signature.name, "version": version, "description": _about(signature)},
        "paths": {
            **{path: {"post": told} for path, told in posted.items()},
            "/feedback": {"post": _feedback(signature)},
            **{path: {"get": _telling(path)} for path in ("/health/live", "/version", "/metrics")},
            "/health/ready": {"get": _telling("/health/ready") | _answers("200", "503")},
        },
        "components": {
            "schemas": {
                "Row": _object({c.name: column_schema(c) for c in signature.inputs}, more=True),
                "Rows": body,
                "Answer": _object(_answer(signature), more=True),
                "Error": _object(
                    {"error": {"type": "string"}, "id": {"type": "string"}}, more=True
                ),
            }
        },
    }


def _about(signature: Signature) -> str:
    return f"Predicts {signature.target} ({signature.task}). Each value keeps the contract's rules."


def _object(properties: dict[str, Any], *, more: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "properties": properties}
    return {**found, "required": [*properties]} | ({} if more else {"additionalProperties": False})


def _answer(signature: Signature) -> dict[str, Any]:
    label = {"enum": [*signature.classes]} if signature.classes else {"type": "number"}
    found: dict[str, Any] = {"predictions": {"type": "array", "items": label}}
    if signature.classes:
        numbers = {"type": "array", "items": {"type": "number"}}
        found |= {
            "classes": {"type": "array"},
            "probabilities": {"type": "array", "items": numbers},
        }
    return found | {"version": {"type": "string"}, "id": {"type": "string"}}


def _content(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _answers(*statuses: str, name: str = "") -> dict[str, Any]:
    good = {"description": "the answer"} | ({"content": _content(name)} if name else {})
    bad = {
        s: {"description": ERRORS[s], "content": _content("Error")} for s in statuses if s != "200"
    }
    return {"responses": {"200": good, **bad}}


def _asking(path: str) -> dict[str, Any]:
    body = {"required": True, "content": _content("Rows")}
    told: dict[str, Any] = {
        "operationId": path.strip("/"),
        "summary": "Predictions for rows",
        "requestBody": body,
    }
    return told | _answers("200", "408", "413", "422", "503", name="Answer")


def _telling(path: str) -> dict[str, Any]:
    return {"operationId": path.strip("/"), "summary": path.strip("/")} | _answers("200")


def _feedback(signature: Signature) -> dict[str, Any]:
    classes = [*signature.classes, None]  # null is not known yet
    label = {"enum": classes} if signature.classes else {"type": ["number", "null"]}
    listed = {"type": "array", "minItems": 1, "items": label}
    labels = {"id": {"type": "string", "minLength": 1}, "labels": listed}
    body = {"required": True, "content": {"application/json": {"schema": _object(labels)}}}
    told: dict[str, Any] = {
        "operationId": "feedback",
        "summary": "True answers, later",
        "requestBody": body,
    }
    return told | _answers("200", "408", "409", "413", "422", "503")


def page(loaded: Loaded) -> Handler:
    """A page to look and to try: nothing of it comes from elsewhere."""
    signature = loaded.model.signature
    facts = {
        "name": signature.name,
        "version": loaded.version,
        "about": _about(signature),
        "target": signature.target,
        "example": loaded.example,
        "columns": {c.name: column_schema(c) for c in signature.inputs},
        "platforms": [*asked(signature, loaded.version)],
    }
    text = files(__name__.rpartition(".")[0]).joinpath("page.html").read_text(encoding="utf-8")
    told = orjson.dumps(facts).replace(b"<", b"\\u003c")
    answer = Answer(200, text.encode().replace(b"FACTS", told), b"text/html; charset=utf-8")

    async def handler(_: Request) -> Answer:
        return answer

    return handler
