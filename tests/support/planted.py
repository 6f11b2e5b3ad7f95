"""Makes a copy of the product with one fault in it: a test that means something fails against the copy."""

import shutil
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


def planted(folder: Path, file: str, old: str, new: str) -> Path:
    """Copy the product into `folder` (once) and replace a text of one file; return what to put first in PYTHONPATH.

    The text must occur exactly once: a fault that is no longer planted would let its control pass for nothing.
    """
    for name in ("broker", "policies"):
        if not (folder / name).exists():
            shutil.copytree(_ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / file
    content = path.read_text(encoding="utf-8")
    assert content.count(old) == 1, f"{file} holds {content.count(old)} times: {old!r}"
    path.write_text(content.replace(old, new), encoding="utf-8")
    return folder
