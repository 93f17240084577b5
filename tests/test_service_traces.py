"""With OpenTelemetry installed beside it, each request to the service is a span."""

import json
from pathlib import Path

PACKAGES = ("opentelemetry-instrumentation-asgi", "opentelemetry-sdk")
SCRIPT = """
import asyncio, json, sys
from pathlib import Path

from customer_model.serving.loaded import golden
from customer_model.serving.options import Options
from customer_model.serving.server import InFolder, Server

server = Server(Options(), InFolder(Path(sys.argv[1])))
server.open()
app = server.config.app
spans = []
if len(sys.argv) > 2:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    trace.set_tracer_provider(provider)
body = json.dumps({"rows": golden(Path(sys.argv[1]))["rows"][:1]}).encode()
sent = []

async def ask():
    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}
    async def send(message):
        sent.append(message)
    scope = {"type": "http", "method": "POST", "path": "/predict", "headers": [], "scheme": "http",
             "query_string": b"", "server": ("a", 80), "client": ("b", 1), "http_version": "1.1"}
    await app(scope, receive, send)

asyncio.run(ask())
if len(sys.argv) > 2:
    ended = kept.get_finished_spans()
    spans = [[span.name, dict(span.attributes).get("http.status_code")] for span in ended]
print(json.dumps({"status": sent[0]["status"], "spans": spans, "direct": hasattr(app, "askers")}))
"""


def run(project, bundle: Path, *more: str, packages: tuple[str, ...] = ()) -> dict:
    """What came of one request."""
    beside = [word for package in packages for word in ("--with", package)]
    done = project.run("uv", "run", "--no-sync", *beside, "python", "-c", SCRIPT, bundle, *more)
    return json.loads(done.stdout.splitlines()[-1])


def test_each_request_is_a_span_where_opentelemetry_is_installed(installed, bundles):
    project, bundle = installed("binary"), bundles()[0]
    plain = run(project, bundle)
    assert plain == {"status": 200, "spans": [], "direct": True}
    traced = run(project, bundle, "traced", packages=PACKAGES)
    assert (traced["status"], traced["direct"]) == (200, False)
    assert ["POST /predict", 200] in traced["spans"]
