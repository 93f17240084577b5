"""A bundle is what was sealed, to the last byte, or it is refused."""

import json
import shutil

import numpy as np
import pytest

from your_package.errors import Status, Stop
from your_package.store import bundle, fingerprints, model


@pytest.fixture
def copy(small_model, tmp_path):
    """A real bundle of its own for each test, and its digest."""
    sealed = small_model()
    return shutil.copytree(sealed.folder, tmp_path / "bundle"), sealed.digest


def refused(folder, digest, named):
    with pytest.raises(Stop) as stopped:
        model.load(folder, digest)
    assert stopped.value.status == Status.EVIDENCE
    assert named in str(stopped.value)


def test_a_bundle_that_nobody_touched_opens(copy):
    folder, digest = copy
    assert model.load(folder, digest).digest == digest
    assert model.load(folder).digest == digest


@pytest.mark.parametrize("name", ["model.onnx", "signature.json", "fingerprints.npy"])
@pytest.mark.parametrize("known", [True, False], ids=["known digest", "unknown digest"])
def test_a_file_that_changed_by_one_bit_or_went_is_refused(copy, name, known):
    folder, digest = copy
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    refused(folder, digest if known else None, name)
    (folder / name).unlink()
    refused(folder, digest if known else None, name)


@pytest.mark.parametrize("name", ["model.skops", "gate/notes.md", ".hidden"])
def test_a_file_that_nobody_sealed_is_refused(copy, name):
    folder, digest = copy
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("x", encoding="utf-8")
    refused(folder, digest, name)


def test_a_manifest_that_was_written_anew_has_another_digest(copy):
    folder, digest = copy
    (folder / "model.onnx").write_bytes(b"another model")
    assert bundle.seal(folder, {"name": "small"}) != digest
    refused(folder, digest, "was expected")


def test_another_digest_is_refused(copy):
    folder, digest = copy
    refused(folder, digest[::-1], "was expected")


def test_a_folder_without_a_manifest_is_no_bundle(copy):
    folder, digest = copy
    (folder / bundle.MANIFEST).unlink()
    refused(folder, digest, "is not a bundle")


def test_the_digest_covers_what_the_manifest_says_of_the_model(tmp_path):
    (tmp_path / "a").write_text("1", encoding="utf-8")
    one = bundle.seal(tmp_path, {"git_commit": "abc"})
    assert bundle.seal(tmp_path, {"git_commit": "abd"}) != one
    assert bundle.seal(tmp_path, {"git_commit": "abc"}) == one


def test_the_manifest_lists_every_file_by_its_content(copy):
    folder, _ = copy
    listed = json.loads((folder / bundle.MANIFEST).read_text(encoding="utf-8"))["files"]
    there = {path.name for path in folder.iterdir()} - {bundle.MANIFEST}
    assert listed == {name: bundle.sha256(folder / name) for name in there}


def test_fingerprints_find_the_rows_that_a_model_has_seen(tmp_path):
    seen = np.array([7, 3, 2**64 - 1, 5], dtype=np.uint64)
    fingerprints.write_fingerprints(tmp_path, seen)
    asked = np.array([1, 3, 2**64 - 1, 8], dtype=np.uint64)
    assert fingerprints.leaked_rows(tmp_path, asked) == 2
    assert fingerprints.leaked_rows(tmp_path, asked[[0, 3]]) == 0


def test_of_very_many_rows_the_lowest_fingerprints_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(fingerprints, "FINGERPRINTS", 3)
    fingerprints.write_fingerprints(tmp_path, np.array([9, 1, 5, 7], dtype=np.uint64))
    assert np.load(tmp_path / "fingerprints.npy").tolist() == [1, 5, 7]
