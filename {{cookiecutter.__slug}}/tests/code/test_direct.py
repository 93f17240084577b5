"""A request in one piece is answered without a task, and nobody can tell but by its speed."""

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from _row import ROW

from your_package.serving.batcher import Batcher
from your_package.serving.direct import Direct
from your_package.serving.options import Options
from your_package.serving.server import Server
from your_package.serving.wire import (
    CONTINUE,
    KEPT_ALIVE,
    Connection,
    cut_the_late,
)

BODY = json.dumps({"rows": [ROW]}).encode()


def request(body=BODY, *more, path="/predict", version="1.1"):
    head = [f"POST {path} HTTP/{version}", "host: a", f"content-length: {len(body)}", *more]
    return "\r\n".join([*head, "", ""]).encode() + body


@pytest.fixture
def app(served, small_model):
    return served(small_model())


@pytest.fixture
def directs(monkeypatch):
    """Every request that went without a task."""
    begun = []
    begin = Direct.begin
    monkeypatch.setattr(Direct, "begin", lambda self, body: (begun.append(body), begin(self, body)))
    return begun


def talk(app, *pieces, answers=1, act=lambda: None):
    """Send pieces, each in a turn of its own; what came back until all is answered or closed."""

    async def run():
        loop = asyncio.get_running_loop()
        server = Server(Options(), lambda: (Path(), None))
        server.config.app = app
        server.config.load()
        made = lambda: Connection(  # noqa: E731
            config=server.config, server_state=server.server_state, app_state={}
        )
        listening = await loop.create_server(made, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0.02)
        act()
        found = b""
        while len(re.findall(rb'"id":', found)) < answers:
            part = await asyncio.wait_for(reader.read(65536), 5)
            if not part:
                break
            found += part
        writer.close()
        await asyncio.sleep(0.02)
        listening.close()
        return found

    return asyncio.run(run())


def bodies(found):
    return [json.loads(line) for line in re.findall(rb"\{.*?\}(?=HTTP|$)", found)]


def test_it_is_the_answer_that_a_task_gives(app, directs):
    one = talk(app, request(BODY, "x-request-id: same"))
    assert directs == [BODY]
    whole = request(BODY, "x-request-id: same")
    other = talk(app, whole[:-5], whole[-5:])
    assert directs == [BODY]
    assert one == other
    assert one.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"x-request-id: same\r\n" in one


@pytest.mark.parametrize(
    ("pieces", "quick"),
    [
        ([request()], 1),
        ([request()[:20], request()[20:]], 1),  # a head in two pieces, the body in one
        ([request()[:-9], request()[-9:]], 0),
        ([request(BODY, "connection: close")], 0),
        ([request(version="1.0")], 0),
        ([request(path="/predict?a=b")], 0),
        ([request(path="/%70redict")], 0),
        ([request(path="/score")], 1),
    ],
)
def test_only_what_is_plain_and_whole_goes_without_a_task(app, directs, pieces, quick):
    (answer,) = bodies(talk(app, *pieces))
    assert answer["predictions"]
    assert len(directs) == quick


def test_who_asks_before_it_sends_is_told_to_go_on(app, directs):
    whole = request(BODY, "expect: 100-continue")
    found = talk(app, whole[: -len(BODY)], BODY)
    assert found.startswith(CONTINUE + b"HTTP/1.1 200 OK\r\n")
    assert directs == []


def test_requests_in_one_packet_are_answered_in_their_order(app, directs):
    names = [f"n{n}" for n in range(6)]
    found = talk(app, b"".join(request(BODY, f"x-request-id: {n}") for n in names), answers=6)
    assert [one["id"] for one in bodies(found)] == names
    assert len(directs) >= 1


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [(b"", 422, "no JSON"), (b"[]", 422, "rows"), (b'{"rows": [{}]}', 422, "missing")],
)
def test_a_refusal_is_an_answer_and_the_connection_goes_on(app, directs, body, status, told):
    found = talk(app, request(body), request(), answers=2)
    first, second = bodies(found)
    assert found.startswith(b"HTTP/1.1 %d " % status)
    assert told in json.dumps(first)
    assert second["predictions"]
    assert directs == [body, BODY]
    assert app.counters.sums["ml_requests", "/predict", str(status)] == 1


def broken(_):
    raise ValueError("poison")


def test_a_model_that_fails_is_a_500_and_the_connection_goes_on(served, small_model):
    app = served(replace(small_model(), predict=broken))
    found = talk(app, request(), request(), answers=2)
    assert [one["error"] for one in bodies(found)] == ["the model failed"] * 2
    assert found.startswith(b"HTTP/1.1 500 ")


def test_a_service_that_stops_says_so_and_closes(app, directs):
    app.closing = True
    found = talk(app, request(), request(), answers=2)
    assert found.count(b"connection: close\r\n") == 1
    assert len(bodies(found)) == len(directs) == 1


def test_who_is_gone_is_not_scored(app, monkeypatch):
    """The rows of a client that hung up are dropped before the model is asked."""
    kept, asked = [], Batcher.ask
    monkeypatch.setattr(
        Batcher,
        "ask",
        lambda self, rows, future, id_: (kept.append(future), asked(self, rows, future, id_)),
    )
    batcher = app.loaded.batcher
    batcher.busy = True  # as if the model were at work
    talk(app, request(), answers=0)
    assert (batcher.rows, kept[0].cancelled()) == (1, True)
    assert batcher._take() == ([], [])  # noqa: SLF001
    assert batcher.rows == 0


def test_a_connection_that_is_not_used_is_closed(app, monkeypatch):
    """A look once a second ends what has said nothing for long, and no request under way."""
    made = []
    answered = Connection.on_response_complete
    monkeypatch.setattr(
        Connection, "on_response_complete", lambda self: (made.append(self), answered(self))
    )
    told = []

    def look():
        (one,) = made
        now = one.loop.time()
        cut_the_late([one], now + KEPT_ALIVE - 1)
        told.append(one.transport.is_closing())
        cut_the_late([one], now + KEPT_ALIVE + 1)
        told.append(one.transport.is_closing())

    talk(app, request(), act=look)
    assert told == [False, True]
