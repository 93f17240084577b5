"""Finds out within seconds that a server does not answer."""

import urllib.error
import urllib.request

from ..errors import Status, Stop

SECONDS = 5


def knock(uri: str) -> None:
    """Ask an MLflow server for its health; any answer at all will do."""
    address = f"{uri.rstrip('/')}/health"
    try:
        with urllib.request.urlopen(address, timeout=SECONDS):  # noqa: S310 - http, by the caller
            pass
    except urllib.error.HTTPError:
        pass
    except (OSError, ValueError) as error:
        message = (
            f"MLflow at {uri} does not answer ({error}): is it up, is MLFLOW_TRACKING_URI right?"
        )
        raise Stop(Status.SETTINGS, message) from error
