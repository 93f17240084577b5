"""The user's own functions, named in settings.toml as `python:MODULE:FUNCTION`."""

import importlib
from collections.abc import Callable
from typing import Any

from .errors import Status, Stop

PREFIX = "python:"


def load_function(name: str, setting: str) -> Callable[..., Any]:
    """The function behind the name, without or with its prefix.

    Raises:
        Stop: no such module or function.
    """
    module, _, function = name.removeprefix(PREFIX).partition(":")
    told = f"{setting} {PREFIX}{name.removeprefix(PREFIX)}"
    try:
        found = getattr(importlib.import_module(module), function)
    except ModuleNotFoundError as error:
        package = __name__.partition(".")[0]
        hint = f"put it into src/{package}/ and name it {package}.MODULE, or `uv add` its package"
        raise Stop(Status.SETTINGS, f"{told}: {error}: {hint}.") from error
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise Stop(Status.SETTINGS, f"{told}: {error}.") from error
    if not callable(found):
        raise Stop(Status.SETTINGS, f"{told} is no function.")
    return found
