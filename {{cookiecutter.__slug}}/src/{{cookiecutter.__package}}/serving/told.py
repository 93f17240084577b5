"""What may be read of a service that answers from one bundle, and does not change with time."""

from . import platforms
from .loaded import Loaded
from .openapi import document, page
from .request import Handler, always

ROUTES = ["/predict", "/feedback", "/docs", "/openapi.json", "/metrics", "/health/ready"]


def told(loaded: Loaded) -> dict[str, Handler]:
    """By address: names, versions, the contract, and a page to try it."""
    signature, version = loaded.model.signature, loaded.version
    named = {"name": signature.name, "version": version, "task": signature.task}
    server = {"name": "ml-serve", "version": version, "extensions": ["binary_tensor_data"]}
    metadata = always(platforms.metadata(signature, version))
    return {
        "/": always({**named, "routes": ROUTES}),
        "/version": always({**named, "digest": loaded.model.digest}),
        "/health/live": always({"status": "live"}),
        "/openapi.json": always(document(loaded)),
        "/docs": page(loaded),
        "/v1/models": always({"models": [signature.name]}),
        "/v2": always(server),
        "/v2/health/live": always({"live": True}),
        f"/v2/models/{signature.name}": metadata,
        f"/v2/models/{signature.name}/versions/{version}": metadata,
    }
