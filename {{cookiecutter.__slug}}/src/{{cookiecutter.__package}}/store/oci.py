"""Bundles in an OCI registry: as an image of one layer, found by its digest. skopeo moves them.

The same bundle always makes the same bytes, so its digest in the registry follows from its content.
"""

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from ..errors import Status, Stop
from . import bundle

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
SCHEME = "oci://"
SECONDS = 600


def pack(folder: Path, layout: Path) -> str:
    """Write a bundle as an OCI layout; returns the digest, `sha256:…`, that a registry gives it."""
    bundle.verify(folder)
    layer = _tar(folder)
    history = {"architecture": "amd64", "os": "linux", "config": {}}
    config = {**history, "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]}}
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": _add(layout, _json(config), CONFIG_TYPE),
        "layers": [_add(layout, layer, LAYER_TYPE)],
    }
    entry = _add(layout, _json(manifest), MANIFEST_TYPE)
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [entry]}
    (layout / "index.json").write_bytes(_json(index))
    (layout / "oci-layout").write_bytes(_json({"imageLayoutVersion": "1.0.0"}))
    return entry["digest"]


def unpack(layout: Path, folder: Path) -> None:
    """Write the bundle of a layout into a folder; the caller verifies it."""
    (entry,) = json.loads((layout / "index.json").read_bytes())["manifests"]
    (layer,) = json.loads(_blob(layout, entry))["layers"]
    with tarfile.open(fileobj=io.BytesIO(_blob(layout, layer))) as archive:
        archive.extractall(folder, filter="data")


def bundle_digest(layout: Path) -> tuple[str, str]:
    """Digest of the manifest in a layout, and of the bundle inside; every byte is checked."""
    (entry,) = json.loads((layout / "index.json").read_bytes())["manifests"]
    (layer,) = json.loads(_blob(layout, entry))["layers"]
    with tarfile.open(fileobj=io.BytesIO(_blob(layout, layer))) as archive:
        found = archive.extractfile(bundle.MANIFEST)
        content = found.read() if found else b""
    return entry["digest"], hashlib.sha256(content).hexdigest()


def push(layout: Path, repository: str) -> str:
    """Copy a layout into a registry; returns its reference by digest."""
    digest, _ = bundle_digest(layout)
    tag = f"{repository}:{digest.removeprefix('sha256:')[:12]}"  # an untagged one may be cleaned up
    _copy(f"oci:{layout}", f"docker://{tag}")
    return f"{repository}@{digest}"


def fetch(source: str, folder: Path) -> None:
    """Bring the bundle that `oci://…@sha256:…` names into `folder`/bundle."""
    layout = folder / "layout"
    _copy(f"docker://{source.removeprefix(SCHEME)}", f"oci:{layout}")
    unpack(layout, folder / "bundle")
    shutil.rmtree(layout)


def _copy(source: str, target: str) -> None:
    skopeo = shutil.which("skopeo")
    if skopeo is None:
        raise Stop(
            Status.SETTINGS,
            "skopeo is missing, which moves bundles: apt install skopeo, or brew install skopeo.",
        )
    local = [
        f"--{end}-tls-verify=false"
        for end, place in (("src", source), ("dest", target))
        if place.startswith(("docker://localhost:", "docker://127.0.0.1:"))
    ]
    command = [skopeo, "copy", "--quiet", "--preserve-digests", "--retry-times", "3", *local]
    try:
        done = subprocess.run(
            [*command, source, target],
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise Stop(Status.SETTINGS, f"{source}: no end after {SECONDS} s.") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        hint = "Is the address right, and are you logged in (skopeo login)?"
        raise Stop(Status.SETTINGS, f"{source} was not copied: {lines[-1][:300]} {hint}")


def _tar(folder: Path) -> bytes:
    """Every file, sorted, without times and owners: the same content makes the same bytes."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            info = tarfile.TarInfo(path.relative_to(folder).as_posix())
            info.size, info.mode = path.stat().st_size, 0o644
            with path.open("rb") as file:
                archive.addfile(info, file)
    return stream.getvalue()


def _add(layout: Path, content: bytes, kind: str) -> dict[str, Any]:
    digest = _digest(content)
    path = layout / "blobs" / "sha256" / digest.removeprefix("sha256:")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return {"mediaType": kind, "digest": digest, "size": len(content)}


def _blob(layout: Path, entry: dict[str, Any]) -> bytes:
    digest = entry["digest"]
    content = (layout / "blobs" / "sha256" / digest.removeprefix("sha256:")).read_bytes()
    if _digest(content) != digest:
        raise Stop(Status.EVIDENCE, f"{layout}: {digest[:19]} is not what it says; refused.")
    return content


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
