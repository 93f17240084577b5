"""A request that came in one piece is answered without a task, which is half of what it costs."""

from time import perf_counter
from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from .asker import Asker, Question
from .batcher import Answers
from .request import Answer

if TYPE_CHECKING:
    from .app import App
    from .wire import Connection


class Nobody:
    """An event that no coroutine waits for."""

    def set(self) -> None:
        """Nothing has to wake up."""


class Direct:
    """A request under way: a cycle to uvicorn's connection, a future to the batcher."""

    __slots__ = (
        "_app",
        "_asked",
        "_asker",
        "_connection",
        "_id",
        "_path",
        "disconnected",
        "keep_alive",
        "response_complete",
    )
    message_event = Nobody()

    def __init__(self, connection: "Connection", app: "App", asker: Asker) -> None:
        """Nothing is read yet."""
        self._connection, self._app, self._asker = connection, app, asker
        self._asked: Question | None = None
        self._id, self._path = "", connection.url.decode("ascii")
        self.disconnected, self.response_complete, self.keep_alive = False, False, True

    def begin(self, body: bytes) -> None:
        """Read the rows and hand them to the batcher; a refusal is answered at once."""
        headers = dict(self._connection.headers)
        self._id = self._app.id_of(headers)
        try:
            self._asked = self._asker.read(body, headers, self._id, perf_counter())
            self._asker.batcher.ask(self._asked.rows, self, self._id)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer
            self.set_exception(error)

    def cancelled(self) -> bool:
        """Whether nobody waits for it any more."""
        return self.disconnected

    def done(self) -> bool:
        """Whether there is nothing left to answer."""
        return self.disconnected or self.response_complete

    def set_result(self, answers: Answers) -> None:
        """The model has answered."""
        try:
            answer = self._asker.write(self._asked, answers)  # ty: ignore[invalid-argument-type]
        except Exception as error:  # noqa: BLE001 - as above
            answer = self._app.failed(error, self._id)
        self._send(answer)

    def set_exception(self, error: BaseException) -> None:
        """It is refused, or the model failed."""
        self._send(self._app.failed(error, self._id))

    def _send(self, answer: Answer) -> None:
        """Write head and body in one piece, and let the next request come."""
        connection, self.response_complete = self._connection, True
        told = self._app.headers_of(self._path, answer, self._id)
        if connection.transport.is_closing():
            return
        headers = [*connection.server_state.default_headers, *told]
        close = self._app.closing or not self.keep_alive
        if close and not self._app.closing:
            headers.append((b"connection", b"close"))
        head = [part for name, value in headers for part in (name, b": ", value, b"\r\n")]
        connection.transport.write(
            b"".join((STATUS_LINE[answer.status], *head, b"\r\n", answer.content))
        )
        if close:
            connection.transport.close()
        connection.on_response_complete()
