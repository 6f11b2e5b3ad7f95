"""Writes files of a sandbox world that only their owner can read."""

import json
import os
from pathlib import Path
from typing import Any


def write_private(path: Path, value: Any) -> None:
    """Write JSON that only its owner can read, replacing the file as a whole."""
    draft = path.with_suffix(".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1)
    draft.replace(path)
