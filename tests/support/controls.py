"""Runs tests of ours against a planted copy of the product, where they must fail."""

import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.support.planted import for_a_while

_ROOT = Path(__file__).resolve().parents[2]
# -P keeps the checkout's own package from the front of the path; the assertion makes sure of it.
_PROGRAM = (
    "import sys, pytest; sys.path[:0] = sys.argv[1:3]; import broker; "
    "assert broker.__file__.startswith(sys.argv[1]), broker.__file__; "
    "sys.exit(pytest.main(['-q', '-x', '-n0', '-p', 'no:randomly', '-p', 'no:cacheprovider', *sys.argv[3:]]))"
)


@dataclass(frozen=True)
class Plant:
    """One fault, and the tests that must find it."""

    file: str
    old: str
    new: str
    tests: str


def survivors(folder: Path, plants: Iterable[Plant]) -> list[Plant]:
    """Return the faults that no test has found."""
    return [plant for plant in plants if not _is_found(folder, plant)]


def _is_found(folder: Path, plant: Plant) -> bool:
    path, _, name = plant.tests.partition("::")
    with for_a_while(folder, plant.file, plant.old, plant.new) as copy:
        ran = subprocess.run(
            [sys.executable, "-P", "-c", _PROGRAM, str(copy), str(_ROOT), path, *(["-k", name] if name else [])],
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(copy), str(_ROOT)])},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    if ran.returncode not in {0, 1} or (" failed" in ran.stdout) != (ran.returncode == 1):
        raise AssertionError(f"the control did not run: {plant}\n{ran.stdout[-3000:]}{ran.stderr[-3000:]}")
    return ran.returncode == 1
