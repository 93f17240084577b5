"""Opens MLflow: the server that is named, or a database beside settings.toml."""

import logging
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Status, Stop, without_login
from .lock import writing

if TYPE_CHECKING:
    from mlflow import MlflowClient

DATABASE = "mlflow.db"
KNOCK_SECONDS = 5
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def address(root: Path) -> str:
    """MLFLOW_TRACKING_URI, or the project's own database."""
    return os.environ.get("MLFLOW_TRACKING_URI") or _beside(root)


def _beside(root: Path) -> str:
    return f"sqlite:///{(root / DATABASE).as_posix()}"


def has_store(root: Path) -> bool:
    """Whether there is a store to look into: asking makes none, and spares the import."""
    return bool(os.environ.get("MLFLOW_TRACKING_URI")) or (root / DATABASE).exists()


def open_client(root: Path, uri: str) -> "MlflowClient":
    """A client that says little; the project's own database is made when it is first needed."""
    for key, value in QUIET.items():
        os.environ.setdefault(key, value)
    if uri.startswith("http"):
        knock(uri)
    from mlflow import MlflowClient

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    if uri == _beside(root) and not (root / DATABASE).exists():
        _create_database(root)
    return MlflowClient(uri, uri)


def _create_database(root: Path) -> None:
    """Make all tables aside, then rename: half a database would never be mended."""
    from mlflow.store.db.utils import _initialize_tables, create_sqlalchemy_engine

    with writing(root):
        fresh = root / ".ml" / DATABASE
        fresh.unlink(missing_ok=True)
        engine = create_sqlalchemy_engine(f"sqlite:///{fresh.as_posix()}")
        _initialize_tables(engine)
        engine.dispose()
        if not (root / DATABASE).exists():
            fresh.rename(root / DATABASE)


def knock(uri: str) -> None:
    """Ask an MLflow server for its health; any answer at all will do."""
    address = f"{without_login(uri).rstrip('/')}/health"
    try:
        with urllib.request.urlopen(address, timeout=KNOCK_SECONDS):  # noqa: S310 - http, by the caller
            pass
    except urllib.error.HTTPError:
        pass
    except (OSError, ValueError) as error:
        hint = "is it up, is MLFLOW_TRACKING_URI right?"
        message = f"MLflow at {uri} does not answer ({error}): {hint}"
        raise Stop(Status.SETTINGS, message) from error
