"""Makes a copy of the product with one fault in it: a test that means something fails against the copy."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_UNFINISHED = shutil.ignore_patterns("*.pyc.*")  # bytecode that somebody is writing now


def planted(folder: Path, file: str, old: str, new: str) -> Path:
    """Copy the product into `folder` (once) and replace a text of one file; return what to put first in PYTHONPATH.

    The text must occur exactly once: a fault that is no longer planted would let its control pass for nothing.
    """
    path = copied(folder) / file
    content = path.read_text(encoding="utf-8")
    assert content.count(old) == 1, f"{file} holds {content.count(old)} times: {old!r}"
    _write(path, content.replace(old, new))
    return folder


@contextmanager
def for_a_while(folder: Path, file: str, old: str, new: str) -> Iterator[Path]:
    """Plant a fault as above, and take it out again after the block."""
    path = copied(folder) / file
    content = path.read_text(encoding="utf-8")
    planted(folder, file, old, new)
    try:
        yield folder
    finally:
        _write(path, content)


def copied(folder: Path) -> Path:
    """Copy the product into `folder` unless it is there, with its bytecode: times are kept, so it stays valid."""
    for name in ("broker", "policies"):
        if not (folder / name).exists():
            shutil.copytree(_ROOT / name, folder / name, ignore=_UNFINISHED)
    return folder


def _write(path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8")
    # Bytecode knows its source by size and second only.
    for stale in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
        stale.unlink()
