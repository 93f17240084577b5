"""The fake GitHub's doors: routes, tokens, pages, a unix socket and a TCP port."""

import json
import re
import socketserver
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from github import GitHub, RefusedError

ROUTES = {
    "GET ": "get_repository",
    "GET /issues": "get_issues",
    "POST /issues": "post_issues",
    r"PATCH /issues/comments/(\d+)": "patch_comment",
    r"GET /issues/(\d+)": "get_issue",
    r"PATCH /issues/(\d+)": "patch_issue",
    r"POST /issues/(\d+)/labels": "post_issue_labels",
    r"GET /issues/(\d+)/comments": "get_comments",
    r"POST /issues/(\d+)/comments": "post_comments",
    "GET /labels": "get_labels",
    "POST /labels": "post_labels",
    "POST /dispatches": "post_dispatches",
    r"POST /actions/workflows/([\w.-]+)/dispatches": "post_dispatches",
    "GET /environments": "get_environments",
    r"GET /environments/([\w.-]+)": "get_environment",
}


class Handler(BaseHTTPRequestHandler):
    """One request: who asks, what for, and the answer in JSON."""

    github: GitHub

    def _do(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        with self.github.lock:
            try:
                status, value = self._answer(body)
            except RefusedError as refusal:
                status, value = refusal.status, {"message": str(refusal)}
        link = None
        if isinstance(value, list):
            value, link = self._page(value)
        content = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        if link:
            self.send_header("Link", link)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _do  # noqa: N815

    def _answer(self, body: dict) -> tuple[int, Any]:
        address = urlsplit(self.path)
        asked = (self.command, address.path.removeprefix("/api/v3"))
        self.github.requests.append(asked)
        _, _, token = self.headers.get("Authorization", "").partition(" ")
        if token != self.github.token:
            raise RefusedError(401, "Bad credentials")
        inside = f"/repos/{self.github.repository}"
        if asked[1].startswith(inside):
            said = f"{self.command} {asked[1].removeprefix(inside)}"
            for route, name in ROUTES.items():
                if match := re.fullmatch(route, said):
                    query = dict(parse_qsl(address.query))
                    return getattr(self.github, name)(query, body, *match.groups())
        self.github.unknown.append(asked)
        raise RefusedError(404, "Not Found")

    def _page(self, every: list) -> tuple[list, str | None]:
        """Thirty at a time unless asked otherwise: what is not paged through is not seen."""
        address = urlsplit(self.path)
        query = dict(parse_qsl(address.query))
        size, page = min(int(query.get("per_page", 30)), 100), int(query.get("page", 1))
        more = {**query, "page": str(page + 1)}
        link = f'<https://api.github.com{address.path}?{urlencode(more)}>; rel="next"'
        end = page * size
        return every[end - size : end], link if len(every) > end else None

    def address_string(self) -> str:
        """A unix socket's client has no address."""
        return "client"

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet; `github.requests` has them."""


class _Unix(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


@contextmanager
def serve(github: GitHub) -> Iterator[GitHub]:
    """Answer on both doors until the test ends."""
    handler = type("Bound", (Handler,), {"github": github})
    with tempfile.TemporaryDirectory() as folder:  # a short path: sockets allow 107 characters
        github.socket = Path(folder, "github")
        tcp = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        github.address = f"http://127.0.0.1:{tcp.server_port}"
        servers = [tcp, _Unix(str(github.socket), handler)]
        for server in servers:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield github
        finally:
            for server in servers:
                server.shutdown()
                server.server_close()
