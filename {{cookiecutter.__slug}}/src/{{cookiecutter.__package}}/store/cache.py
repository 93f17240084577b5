"""Bundles on this machine, by digest: fetched once, checked, and there whole or not at all."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from . import bundle


def cached(root: Path, digest: str, download: Callable[[Path], None]) -> Path:
    """The folder of the bundle with this digest; `download` fills a scratch folder with it.

    Raises:
        Stop: what came is another bundle, or none.
    """
    place = root / ".ml" / "bundles" / digest
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as scratch:
            download(Path(scratch))
            manifest = next(Path(scratch).rglob(bundle.MANIFEST), Path(scratch, "none"))
            bundle.verify(manifest.parent, digest)
            whole = Path(scratch, "whole")
            shutil.copytree(manifest.parent, whole)
            if not place.exists():  # another `ml` may have been faster
                whole.rename(place)
    return place
