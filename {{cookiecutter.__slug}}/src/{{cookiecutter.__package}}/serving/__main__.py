"""`ml-serve`: answers from a bundle's folder, in an image that holds nothing else."""

import json
import sys
import urllib.request

from ..errors import Stop
from .options import read_options


def main() -> None:
    """Serve, or ask a service that runs. What is not needed is not imported."""
    options, asked = read_options()
    if asked.check:
        with urllib.request.urlopen(f"http://127.0.0.1:{options.port}/health/ready", timeout=3):
            return
    try:
        if asked.smoke:
            from .smoke import smoke_bundle

            told = smoke_bundle(asked.smoke, asked.bundle, asked.wait)
            sys.stdout.write(json.dumps(told) + "\n")
            return
        from .server import serve

        serve(options)
    except Stop as stop:
        sys.exit(f"ml-serve: {stop}")


if __name__ == "__main__":
    main()
