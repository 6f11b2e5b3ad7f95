"""The verifiers of others, as `make test-interop` has installed them."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

INSTALLED = Path(__file__).parents[2] / ".interop"
Judge = Callable[[Sequence[dict[str, Any]]], list[str]]


def asked(command: Sequence[str], cases: Sequence[dict[str, Any]]) -> list[str]:
    """Return for each case the reason to refuse it: empty when it is accepted."""
    done = subprocess.run(
        command, input=json.dumps(cases, default=_base64), capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    reasons = json.loads(done.stdout)
    assert len(reasons) == len(cases)
    return reasons


def program(*parts: str) -> str:
    file = INSTALLED.joinpath(*parts)
    if not file.exists():
        pytest.fail(f"{file.relative_to(INSTALLED.parent)} is missing: run `make test-interop`, which installs it.")
    return os.fspath(file)


@pytest.fixture(scope="session")
def go() -> Judge:
    command = [program("verify-go")]
    return lambda cases: asked(command, cases)


@pytest.fixture(scope="session")
def sigstore() -> Judge:
    program("node", "node_modules", "@sigstore", "verify", "package.json")
    node = shutil.which("node")
    if node is None:
        pytest.fail("node was not found: run `make test-interop`, which installs it.")
    command = [node, program("node", "verify.js")]
    return lambda cases: asked(command, cases)


def _base64(value: object) -> str:
    assert isinstance(value, bytes)
    return base64.b64encode(value).decode()
