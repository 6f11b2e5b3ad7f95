"""What others wrote and we ship: each folder holds what its manifest says, with its licence, and nothing else."""

import hashlib
from pathlib import Path

import pytest

from tests.architecture.tree import PACKAGE

FOLDERS = sorted(path for path in (PACKAGE / "web" / "static" / "vendor").iterdir() if path.is_dir())


def test_these_are_all() -> None:
    assert [folder.name for folder in FOLDERS] == ["htmx", "swagger-ui"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_vendored_folder_is_what_its_manifest_says_and_nothing_else(folder: Path) -> None:
    lines = (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    listed = {name: checksum for checksum, name in (line.split() for line in lines)}
    there = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    del there["SHA256SUMS"]
    assert there == listed
    assert {"LICENSE", "NOTICE"} <= set(there)
