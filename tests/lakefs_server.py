"""A stand-in for lakeFS: the few calls of its API that reading takes, as its own client asks them.

The client's models, made from lakeFS' OpenAPI document, check every answer. It holds objects by
ref: a branch that moves, and commits that do not.
"""

import base64
import email.utils
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY, SECRET = "AKIA-ann", "kept-secret/abc+123"
PLACE = re.compile(r"/api/v1/repositories/shop/refs/(?P<ref>[^/]+)/objects(?P<call>/stat|/ls|)")
REPOSITORY = {
    "id": "shop",
    "creation_date": 1_780_000_000,
    "default_branch": "main",
    "storage_namespace": "local://shop",
}
STORAGE = {
    "blockstore_type": "local",
    "blockstore_namespace_example": "local://example",
    "blockstore_namespace_ValidityRegex": "^local://",
    "pre_sign_support": False,
    "pre_sign_support_ui": False,
    "import_support": False,
    "import_validity_regex": "^local://",
}
PAGE = 7  # small, so that listing takes several


@dataclass
class Repository:
    """One repository, `shop`: its objects by ref, and what was asked."""

    url: str = ""
    refs: dict[str, dict[str, bytes]] = field(default_factory=lambda: {"main": {}})
    asked: list[str] = field(default_factory=list)

    @property
    def env(self) -> dict[str, str]:
        """How a command finds it."""
        return {
            "LAKECTL_SERVER_ENDPOINT_URL": self.url,
            "LAKECTL_CREDENTIALS_ACCESS_KEY_ID": KEY,
            "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY": SECRET,
        }

    def upload(self, path: Path, key: str) -> None:
        """Put a file on the branch."""
        self.refs["main"][key] = path.read_bytes()

    def commit(self) -> str:
        """What is on the branch now, under a name that will not move."""
        tree = repr(sorted((k, hashlib.sha256(v).digest()) for k, v in self.refs["main"].items()))
        name = hashlib.sha256(tree.encode()).hexdigest()
        self.refs[name] = dict(self.refs["main"])
        return name


def _stats(key: str, content: bytes) -> dict[str, Any]:
    return {
        "path": key,
        "path_type": "object",
        "physical_address": f"local://{key}",
        "checksum": hashlib.md5(content).hexdigest(),
        "mtime": 1_780_000_000,
        "size_bytes": len(content),
        "content_type": "application/octet-stream",
    }


def _listed(tree: dict[str, bytes], asked: dict[str, str]) -> dict[str, Any]:
    prefix, delimiter = asked.get("prefix", ""), asked.get("delimiter", "")
    found: dict[str, dict[str, Any]] = {}
    for key in sorted(key for key in tree if key.startswith(prefix)):
        rest = key.removeprefix(prefix)
        if delimiter and delimiter in rest:
            folder = prefix + rest.partition(delimiter)[0] + delimiter
            found[folder] = {**_stats(folder, b""), "path_type": "common_prefix", "checksum": ""}
        else:
            found[key] = _stats(key, tree[key])
    names = [name for name in sorted(found) if name > asked.get("after", "")]
    more = {"has_more": len(names) > PAGE, "next_offset": "", "results": 0, "max_per_page": PAGE}
    if more["has_more"]:
        more["next_offset"] = names[PAGE - 1]
    return {"pagination": more, "results": [found[name] for name in names[:PAGE]]}


def _handler(repository: Repository) -> type[BaseHTTPRequestHandler]:
    login = "Basic " + base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *words: Any) -> None:
            """Stay quiet."""

        def send(self, status: int, content: bytes | dict, **headers: str) -> None:
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            kind = "application/octet-stream" if isinstance(content, bytes) else "application/json"
            self.send_response(status)
            told = {"Content-Type": kind, "Content-Length": str(len(body)), **headers}
            for name, value in told.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def do_GET(self) -> None:
            self.answer()

        def do_HEAD(self) -> None:
            self.answer()

        def answer(self) -> None:
            repository.asked.append(f"{self.command} {self.path} {self.headers.get('Range')}")
            place = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(place.query).items()}
            found = PLACE.fullmatch(place.path)
            if self.headers.get("Authorization") != login:
                self.send(401, {"message": "error authenticating request"})
            elif place.path == "/api/v1/repositories/shop":
                self.send(200, REPOSITORY)
            elif place.path == "/api/v1/config":
                self.send(200, {"version_config": {"version": "1.0"}, "storage_config": STORAGE})
            elif not found or found["ref"] not in repository.refs:
                self.send(404, {"message": "no such ref"})
            elif found["call"] == "/ls":
                self.send(200, _listed(repository.refs[found["ref"]], asked))
            elif asked["path"] not in repository.refs[found["ref"]]:
                self.send(404, {"message": "no such object"})
            else:
                self.give(found["call"], asked["path"], repository.refs[found["ref"]])

        def give(self, call: str, key: str, tree: dict[str, bytes]) -> None:
            content, part = tree[key], re.match(r"bytes=(\d+)-(\d*)", self.headers["Range"] or "")
            headers = {"Last_Modified": email.utils.formatdate(1_780_000_000, usegmt=True)}
            headers["ETag"] = f'"{hashlib.md5(content).hexdigest()}"'
            if call == "/stat":
                self.send(200, _stats(key, content))
            elif part:
                start, end = int(part[1]), int(part[2] or len(content) - 1)
                some = content[start : end + 1]
                told = f"bytes {start}-{start + len(some) - 1}/{len(content)}"
                self.send(206, some, Content_Range=told, **headers)
            else:
                self.send(200, content, **headers)

    return Handler


@contextmanager
def lakefs_server() -> Iterator[Repository]:
    """A server with an empty repository, on a port of its own."""
    repository = Repository()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(repository))
    repository.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield repository
    finally:
        server.shutdown()
        server.server_close()
