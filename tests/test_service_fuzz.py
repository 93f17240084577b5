"""Whatever a client sends: no answer of 500, memory that stays, a good answer right afterwards."""

import json
import random
import re
import socket
import struct
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from served import Service, golden, service

FEW = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[*HealthCheck],
)
MEMORY = 150e6  # bytes: half of them the service, the rest what the largest body takes for a moment
GROWTH = 5e6  # bytes from one round of bodies to the next
LONG = 2**63
SIZE = "process_resident_memory_bytes"
PATIENCE = 40  # seconds after which nobody waits for the rest of a request
POSTED = ["/predict", "/invocations", "/score", "/feedback"]
INFER = "/v2/models/customer-model/infer"
LARGE = 20_000_000


@pytest.fixture(scope="module")
def bundle(bundles) -> Path:
    return bundles()[0]


@pytest.fixture(scope="module")
def served(bundle, installed, tmp_path_factory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    with service(installed("binary"), bundle, folder, "--log", folder / "log") as made:
        yield made


@pytest.fixture(autouse=True)
def unharmed(served: Service, bundle: Path) -> Iterator[None]:
    """After each test: the process lives and answers, is small, and never said 500."""
    yield
    wanted(served, golden(bundle)["rows"])
    metrics = served.metrics()
    assert metrics[SIZE] < MEMORY
    assert not [name for name in metrics if 'status="5' in name and 'status="503"' not in name]
    assert '"error"' not in served.log.read_text(encoding="utf-8"), "a traceback"


def wanted(served: Service, rows: list[dict]) -> None:
    """A good request."""
    assert len(served.predict(rows)["predictions"]) == len(rows)


@pytest.fixture(scope="module", autouse=True)
def slow(served: Service) -> Iterator[dict[str, tuple[socket.socket, float]]]:
    """Clients that begin a request and never end it, while the other tests run."""
    beginnings = {
        "says nothing": b"",
        "stops in the head": b"POST /predict HTTP/1.1\r\nhost: x",
        "sends no body": b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n",
        "stops in the body": b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{",
        "stops in a chunk": b"POST /predict HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n9",
        "begins another": b"GET /ping HTTP/1.1\r\nhost: x\r\n\r\nGET /",
    }
    begun = {}
    for name, content in beginnings.items():
        begun[name] = socket.create_connection(("127.0.0.1", served.port)), time.monotonic()
        begun[name][0].sendall(content)
    yield begun
    for one, _ in begun.values():
        one.close()


def send(served: Service, *parts: bytes, goodbye: bool = False) -> list[int]:
    """Send bytes as they are; the statuses of whatever is answered until the connection ends."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as client:
        answer = b""
        try:
            for part in parts:
                client.sendall(part)
            if goodbye:
                client.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has heard enough; what it said may still be here
        try:
            while part := client.recv(1 << 16):
                answer += part
        except ConnectionResetError:
            pass
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


def request(path: str, body: bytes, **headers: str) -> bytes:
    """A request, and the connection ends with its answer."""
    told = {"host": "x", "content-length": str(len(body)), "connection": "close", **headers}
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in told.items()]
    return f"POST {path} HTTP/1.1\r\n{''.join(lines)}\r\n".encode() + body


# ── What the service's own document allows, and what it does not


@pytest.fixture(scope="module")
def operations(served: Service) -> dict[str, Any]:
    refused = {"negative_data_rejection": {"expected-statuses": [413, 422]}}
    config = schemathesis.Config.from_dict({"checks": refused})
    schema = schemathesis.openapi.from_url(f"{served.url}/openapi.json", config=config)
    found = [one.ok() for one in schema.get_all_operations()]
    return {one.path: one for one in found}


def test_the_document_names_the_routes(operations):
    assert {*POSTED, "/health/ready", "/metrics", "/version"} <= {*operations}


@pytest.mark.parametrize("mode", [*GenerationMode], ids=lambda mode: mode.value)
@pytest.mark.parametrize("path", POSTED)
def test_what_the_document_allows_is_answered_and_the_rest_refused(operations, path, mode):
    @FEW
    @given(operations[path].as_strategy(generation_mode=mode).filter(is_plain))
    def ask(case: schemathesis.Case) -> None:
        case.call_and_validate(timeout=20)

    ask()


def is_plain(case: schemathesis.Case) -> bool:
    """JSON Schema's integers are without end, and 1.0 is one: neither is taken for a word."""
    rows = case.body.get("rows") if isinstance(case.body, dict) else None
    words = [row.get("region") for row in rows or [] if isinstance(row, dict)]
    return all(
        type(word) is not float and -LONG <= word < LONG for word in words if is_number(word)
    )


def is_number(value: object) -> bool:
    return isinstance(value, int | float)


# ── What nobody's document allows


def cell(name: str, value: object) -> bytes:
    """A body with one row in which one value is another."""
    return json.dumps({"rows": [{"region": "north", "plan": "plus", name: value}]}).encode()


BODIES = {
    "nothing": b"",
    "no JSON": b"\x00\xff\xfe",
    "half of it": b'{"rows": [{"region": ',
    "NaN": b'{"rows": [{"usage_hours": NaN}]}',
    "Infinity": b'{"rows": [{"usage_hours": -Infinity}]}',
    "a number beyond floats": b'{"rows": [{"usage_hours": 1e999}]}',
    "a long number": b'{"rows": [{"usage_hours": ' + b"9" * 100_000 + b"}]}",
    "nested lists": b'{"rows": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "nested objects": b'{"rows": ' * 50_000 + b"1" + b"}" * 50_000,
    "a surrogate": b'{"rows": [{"region": "\\ud800"}]}',
    "no UTF-8": b'{"rows": [{"region": "\xff"}]}',
    "UTF-16": '{"rows": []}'.encode("utf-16"),
    "a mark of order": b'\xef\xbb\xbf{"rows": []}',
    "a key twice": b'{"rows": [], "rows": 1}',
    "one long word": cell("region", "x" * 3_900_000),
    "a million rows": b'{"rows": [' + b"{}," * 1_000_000 + b"{}]}",
    "a million lists": b'{"instances": [' + b"[]," * 1_000_000 + b"[]]}",
    "rows that are none": b'{"rows": [1, null, "x", [], {}]}',
    "columns": b'{"rows": {"region": [], "plan": []}}',
    "columns of other lengths": b'{"inputs": {"region": [1], "plan": []}}',
    "a split of nothing": b'{"dataframe_split": {"columns": [], "data": [[]]}}',
    "a list": b"[1]",
    "a word": b'"rows"',
    "null": b"null",
}


@pytest.mark.parametrize("path", [*POSTED, INFER, "/v1/models/customer-model:predict"])
@pytest.mark.parametrize("body", BODIES)
def test_a_body_that_nobody_can_read_is_refused(served, path, body):
    assert send(served, request(path, BODIES[body])) in ([422], [413])


def test_a_second_round_of_bodies_takes_no_more_memory(served):
    sizes = []
    for _ in range(3):  # the first round may be another worker's, with a service of its own
        for body in BODIES.values():
            send(served, request("/predict", body))
        sizes.append(served.metrics()[SIZE])
    assert sizes[-1] < sizes[-2] + GROWTH


@pytest.mark.parametrize(
    "headers",
    [
        {"content_type": "text/csv"},
        {"content_type": "text/csv; charset=utf-16"},
        {"content_type": "multipart/form-data; boundary=x"},
        {"content_type": "\xff"},
        {"content_encoding": "gzip"},
        {"inference_header_content_length": "-1"},
        {"inference_header_content_length": "1" * 5000},
        {"inference_header_content_length": "\xb2"},
        {"x_request_id": "x" * 5000},
        {"x_request_id": "\xe9\xff"},
        {"accept": "text/csv;" * 500},
        {"expect": "100-continue"},
        {"upgrade": "websocket"},
    ],
    ids=str,
)
def test_odd_headers_are_no_reason_to_fail(served, headers):
    for path in (*POSTED, INFER):
        first, *others = send(served, request(path, b'{"rows": 1}', **headers))
        assert {first, *others} <= {100, 400, 422}


HEADS = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,
    "no version": b"GET /\r\n\r\n",
    "another version": b"GET / HTTP/9.9\r\n\r\n",
    "no path": b"GET HTTP/1.1\r\n\r\n",
    "bytes as a path": b"GET /\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
    "a method of its own": b"BREW /predict HTTP/1.1\r\nhost: x\r\n\r\n",
    "a length below zero": b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
    "an endless length": b"POST /predict HTTP/1.1\r\ncontent-length: " + b"9" * 40 + b"\r\n\r\n",
    "two lengths": b"POST /predict HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
    "a length and chunks": b"POST /predict HTTP/1.1\r\ncontent-length: 5\r\n"
    b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks of no size": b"POST /predict HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n",
    "a control character": b"GET / HTTP/1.1\r\nhost: x\r\nx-request-id: a\x07b\r\n\r\n",
    "a long path": b"GET /" + b"a" * LARGE + b" HTTP/1.1\r\nhost: x\r\n\r\n",
    "a long header": b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"a" * LARGE + b"\r\n\r\n",
    "a million headers": b"GET / HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * 1_000_000 + b"\r\n",
    "a million trailers": b"POST /predict HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"
    b"2\r\n{}\r\n0\r\n" + b"a: b\r\n" * 1_000_000 + b"\r\n",
}


@pytest.mark.parametrize("head", HEADS)
def test_a_head_that_nobody_can_read_ends_the_connection(served, head):
    assert send(served, HEADS[head], goodbye=True) in ([], [200], [400], [404], [405], [422, 400])


@pytest.mark.parametrize("told", ["content-length", "chunked"])
def test_a_body_over_the_limit_is_refused_and_not_kept(served, told):
    piece = b" " * 100_000
    head = f"POST /predict HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{told}: {LARGE}\r\n\r\n"
    if told == "chunked":
        head = head.replace(f"chunked: {LARGE}", "transfer-encoding: chunked")
        piece = b"%x\r\n%s\r\n" % (len(piece), piece)
    ending = b"0\r\n\r\n" if told == "chunked" else b""
    assert send(served, head.encode(), *[piece] * 200, ending) == [413]


def test_large_bodies_that_do_not_end_share_one_room(bundle, installed, tmp_path):
    head = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 3999999\r\n\r\n"
    with service(installed("binary"), bundle, tmp_path) as made, ExitStack() as clients:
        before = made.metrics()[SIZE]
        for _ in range(60):
            connection = socket.create_connection(("127.0.0.1", made.port))
            clients.enter_context(connection).sendall(head + b" " * 3_900_000)
        refused = 'ml_requests_total{route="/predict",status="503"}'
        made.wait_for(lambda: made.metrics().get(refused, 0) > 40)
        wanted(made, golden(bundle)["rows"])
        assert made.metrics()[SIZE] < before + 60e6


def test_a_body_in_drips_is_answered(served, bundle):
    body = json.dumps({"rows": golden(bundle)["rows"][:1]}).encode()
    drips = [body[at : at + 1] for at in range(len(body))]
    assert send(served, request("/predict", body).removesuffix(body), *drips) == [200]
    head = b"POST /predict HTTP/1.1\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    drips = [b"1\r\n%s\r\n" % drip for drip in drips]
    assert send(served, head, *drips, b"0\r\n\r\n") == [200]


def test_a_connection_may_break_anywhere(served, bundle):
    whole = request("/predict", json.dumps({"rows": golden(bundle)["rows"]}).encode())
    cuts = random.Random(0).sample(range(len(whole)), 200)
    for cut in cuts:
        with socket.create_connection(("127.0.0.1", served.port)) as client:
            client.sendall(whole[:cut])
            reset = struct.pack("ii", 1, 0)  # an end without a goodbye
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
    for _ in range(200):  # whoever asks and does not wait for the answer
        with socket.create_connection(("127.0.0.1", served.port)) as client:
            client.sendall(whole)


def test_requests_in_one_piece_are_answered_each(served, bundle):
    body = json.dumps({"rows": golden(bundle)["rows"][:1]}).encode()
    one = request("/predict", body).replace(b"connection: close\r\n", b"")
    bad = request("/predict", b"{").replace(b"connection: close\r\n", b"")
    last = request("/predict", body)
    assert send(served, (one + bad) * 500 + last) == [200, 422] * 500 + [200]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["rows", "inputs", "instances", "input_data", "dataframe_split", "data"])


@FEW
@given(st.dictionaries(KEYS, anything, min_size=1), st.sampled_from([*POSTED, INFER]))
@example({"data": {"columns": 1}}, "/score")
def test_any_json_is_answered(served, body, path):
    content = json.dumps(body).encode("utf-8", "surrogatepass")
    assert send(served, request(path, content)) in ([200], [422])


TENSOR = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["region", "plan", "usage_hours"]) | anything,
        "shape": st.lists(st.integers(-2, 4), max_size=3) | anything,
        "datatype": st.sampled_from(["FP64", "INT64", "BYTES", "BOOL"]) | anything,
    },
    optional={
        "data": anything,
        "parameters": st.fixed_dictionaries({"binary_data_size": st.integers(-5, 50) | anything}),
    },
)


@FEW
@given(
    st.fixed_dictionaries(
        {"inputs": st.lists(TENSOR, max_size=8)},
        optional={"outputs": anything, "id": anything, "parameters": anything},
    ),
    st.binary(max_size=100),
)
def test_any_tensor_is_answered(served, told, rest):
    head = json.dumps(told).encode("utf-8", "surrogatepass")
    length = {"inference_header_content_length": str(len(head))}
    assert send(served, request(INFER, head + rest, **length)) == [422]


@FEW
@given(st.binary(max_size=400), st.sampled_from(["text/csv", "application/json", "x"]))
@example(b'"', "text/csv")
@example(b"region,plan\n\x00", "text/csv")
@example(b"x" * 200_000, "text/csv")
def test_any_bytes_are_answered(served, body, kind):
    assert send(served, request("/invocations", body, content_type=kind)) == [422]


@FEW
@given(st.lists(st.binary(max_size=60), max_size=5))
def test_any_bytes_on_the_wire_are_survived(served, parts):
    assert {*send(served, *parts, goodbye=True)} <= {400}


def test_each_label_of_feedback_is_kept_or_refused(served):
    for body, status in FEEDBACK.values():
        assert served.ask("/feedback", body).status == status


FEEDBACK: Mapping[str, tuple[Any, int]] = {
    "one": ({"id": "a", "label": 1}, 200),
    "many": ({"feedback": [{"id": "a", "labels": [0, None]}] * 3}, 200),
    "too many": ({"id": "a", "labels": [0] * 10_001}, 413),
    "of another kind": ({"id": "a", "labels": ["yes"]}, 422),
    "a truth": ({"id": "a", "labels": [True]}, 422),
    "none": ({"id": "a", "labels": []}, 422),
    "of nobody": ({"id": "", "labels": [1]}, 422),
}


def test_a_client_that_never_ends_its_request_is_cut_off(slow):
    """The last test: it waits for clients that began before the first."""
    for name, (client, begun) in slow.items():
        client.settimeout(max(1, begun + PATIENCE - time.monotonic()))
        try:
            answer = b"".join(iter(lambda client=client: client.recv(1 << 16), b""))
        except ConnectionResetError:
            answer = b""
        assert b" 500 " not in answer, name
        assert answer == b"" or answer.startswith((b"HTTP/1.1 408", b"HTTP/1.1 200")), name
