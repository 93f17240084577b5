"""How rows arrive: JSON in the shapes that the platforms send, CSV, and tensors."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson

from ..store.encode import Input
from .rules import Row

LARGEST_BATCH = 10_000
KEYS = ("rows", "instances", "dataframe_records", "dataframe_split", "inputs", "input_data", "data")
WANTED = 'send JSON as {"rows": [{column: value, …}, …]}'
KINDS = {
    "BOOL": "?", "UINT8": "u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "INT8": "i1",
    "INT16": "<i2", "INT32": "<i4", "INT64": "<i8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip


class Refused(Exception):
    """A request that gets another answer than 200."""

    def __init__(self, status: int, message: str, details: Sequence[Any] = ()) -> None:
        """Keep the HTTP status beside the message, and each broken rule."""
        super().__init__(message)
        self.status = status
        self.details = details


def parse(body: bytes) -> Any:
    """JSON, or a refusal that shows what is wanted."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(422, f"{WANTED}; this is no JSON: {error}") from error


def json_rows(parsed: Any, inputs: Sequence[Input]) -> list[Row]:
    """Rows under any of the keys that a platform uses, as objects, lists or columns."""
    if isinstance(parsed, dict):
        for key in KEYS:
            if key in parsed:
                found = parsed if key == "data" and "columns" in parsed else parsed[key]
                if type(found) is list and {*map(type, found)} == {dict}:
                    return limited(found, key)  # the usual one
                return limited(_as_rows(found, [column.name for column in inputs], key), key)
    raise Refused(422, WANTED)


def _as_rows(found: Any, names: list[str], key: str) -> list[Row]:
    if isinstance(found, dict):
        split = found.get("columns"), found.get("data")
        if all(isinstance(part, list) for part in split):
            return _as_rows(found["data"], [str(name) for name in found["columns"]], key)
        columns = list(found.values())
        if columns and not all(isinstance(column, list) for column in columns):
            return [found]  # a single row
        if len({len(column) for column in columns}) > 1:
            raise Refused(422, f"{key}: the columns are not equally long")
        found = [dict(zip(found, row, strict=True)) for row in zip(*columns, strict=True)]
    if not isinstance(found, list) or not found:
        raise Refused(422, f"{key}: a list with at least one object is needed")
    if {*map(type, found)} == {dict}:
        return found
    if not all(type(row) is list and len(row) == len(names) for row in found):
        told = f"{key}: each row is an object, or a list of {len(names)} values"
        raise Refused(422, told)
    return [dict(zip(names, row, strict=True)) for row in found]


def limited(rows: list[Any], key: str) -> list[Any]:
    """The rows, if they are not too many."""
    if len(rows) > LARGEST_BATCH:
        raise Refused(413, f"{key}: {len(rows)} rows, at most {LARGEST_BATCH} a request")
    return rows


def csv_rows(body: bytes, inputs: Sequence[Input]) -> list[Row]:
    """CSV with a line of names, or without one in the order of the contract."""
    names = [column.name for column in inputs]
    try:
        lines = [line for line in csv.reader(io.StringIO(body.decode("utf-8-sig"))) if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise Refused(422, f"this is no CSV: {error}") from error
    header = lines.pop(0) if lines and set(names) <= set(lines[0]) else names
    wrong = [number for number, line in enumerate(lines) if len(line) != len(header)]
    if wrong or not lines:
        told = f"row {wrong[0]} has {len(lines[wrong[0]])} values" if wrong else "no row"
        raise Refused(422, f"CSV: {told}, where {len(header)} values a row are needed")
    numbers = {column.name for column in inputs if column.kind == "number"}
    return [
        {n: _number(v) if n in numbers else v or None for n, v in zip(header, line, strict=True)}
        for line in limited(lines, "CSV")
    ]


def _number(text: str) -> float | str | None:
    try:
        return float(text) if text.strip() else None
    except ValueError:
        return text  # the contract's rules say what is wrong with it


def tensor_rows(body: bytes, header_length: int | None, inputs: Sequence[Input]) -> list[Row]:
    """Rows of the Open Inference Protocol v2: a tensor a column, or one with all of them.

    With a header length, what follows the JSON is the tensors' bytes (the binary extension).
    """
    parsed = parse(body if header_length is None else body[:header_length])
    tensors = parsed.get("inputs") if isinstance(parsed, dict) else None
    if not isinstance(tensors, list) or not all(isinstance(t, dict) for t in tensors):
        raise Refused(422, 'send {"inputs": [{"name", "shape", "datatype", "data"}, …]}')
    rest = memoryview(body)[len(body) if header_length is None else header_length :]
    columns: dict[str, list] = {}
    for tensor in tensors:
        values, rest = _values(tensor, rest)
        columns[str(tensor.get("name"))] = values
    if len(tensors) == 1 and len(inputs) > 1:
        return _as_matrix(tensors[0], next(iter(columns.values())), inputs)
    lengths = {len(values) for values in columns.values()}
    if len(lengths) != 1 or 0 in lengths:
        raise Refused(422, "inputs: one tensor for each column, equally long, is needed")
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return limited(rows, "inputs")


def _as_matrix(tensor: dict, values: list, inputs: Sequence[Input]) -> list[Row]:
    names = [column.name for column in inputs]
    if tensor.get("shape") != [len(values) // len(names), len(names)] or not values:
        raise Refused(422, f"inputs: a single tensor has the shape [rows, {len(names)}]")
    starts = range(0, len(values), len(names))
    rows = [dict(zip(names, values[at : at + len(names)], strict=True)) for at in starts]
    return limited(rows, "inputs")


def _values(tensor: dict, rest: memoryview) -> tuple[list, memoryview]:
    """The values of one tensor, flat, and what is left of the bytes."""
    kind, parameters = tensor.get("datatype"), tensor.get("parameters")
    size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
    if size is None:
        values = tensor.get("data")
        while isinstance(values, list) and values and isinstance(values[0], list):
            if not all(isinstance(inner, list) for inner in values):
                break
            values = [value for inner in values for value in inner]
        if not isinstance(values, list):
            raise Refused(422, "inputs: a tensor has a list as its data")
    elif not isinstance(size, int) or not 0 <= size <= len(rest):
        raise Refused(422, "inputs: binary_data_size is not what was sent")
    else:
        values, rest = _binary(str(kind), rest[:size]), rest[size:]
    return [None if value != value else value for value in values], rest  # noqa: PLR0124 - NaN


def _binary(kind: str, content: memoryview) -> list:
    if kind == "BYTES":
        return _strings(content)
    try:
        return np.frombuffer(content, KINDS[kind]).tolist()
    except (KeyError, ValueError) as error:
        raise Refused(422, f"inputs: {len(content)} bytes are no {kind[:20]}") from error


def _strings(content: memoryview) -> list[str]:
    """Each with its length before it, four bytes, little-endian."""
    found, at = [], 0
    try:
        while at < len(content):
            end = at + 4 + int.from_bytes(content[at : at + 4], "little")
            if end > len(content):
                raise Refused(422, "inputs: the last text is cut off")
            found.append(bytes(content[at + 4 : end]).decode())
            at = end
    except UnicodeDecodeError as error:
        raise Refused(422, f"inputs: text is UTF-8: {error}") from error
    return found
