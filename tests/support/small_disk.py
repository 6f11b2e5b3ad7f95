"""A disk of a few megabytes that a test can fill: a memory file system of its own, mounted by root alone."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

_BLOCK = b"\0" * 4_096


class SmallDisk:
    """A mounted folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fill = path / "fill"

    def fills(self) -> None:
        """Use up every byte that is left, as some other program's log would."""
        with contextlib.suppress(OSError), self._fill.open("ab", buffering=0) as file:
            while True:
                file.write(_BLOCK)

    def empties(self) -> None:
        self._fill.unlink()

    def free(self) -> int:
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int = 8) -> Iterator[SmallDisk]:
    """Mount a disk; skips where nobody may mount, but never on a machine that says it checks everything (CI)."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        assert os.environ.get("CI") != "true", mounted.stderr
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", str(folder)], check=True)  # noqa: S607 - where it lies differs between systems
