"""Runs the program of a how-to page as its reader would, and plays the person whom it sends to the broker."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.architecture.pages import DOCS, code_blocks


def program_of(page: str, language: str) -> str:
    """The one program that stands on a how-to page."""
    (program,) = code_blocks(DOCS / "how-to" / page, language)
    return program


def walked(command: list[str], folder: Path, decide: Callable[[str], str]) -> list[tuple[str, Any]]:
    """Run a program that tells JSON lines; answer each `open` with the address where the browser ends up."""
    told: list[tuple[str, Any]] = []
    with subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stderr is not None
        for line in running.stdout:
            ((name, value),) = json.loads(line).items()
            told.append((name, value))
            if name == "open":
                running.stdin.write(decide(value) + "\n")
                running.stdin.flush()
        said = running.stderr.read()
    assert running.returncode == 0, (told, said[-2_000:])
    return told
