"""The real `broker worker` beside a fleet, as a process."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.fleet import Fleet

_STOP_S = 20.0


@dataclass
class Working:
    """One worker."""

    process: subprocess.Popen[bytes]
    output: Path

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")


@contextmanager
def working(fleet: Fleet, output: Path, **environment: str) -> Iterator[Working]:
    """Start a worker with the settings of the fleet and others beside them, and stop it afterwards."""
    with output.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "broker", "worker"],
            cwd=fleet.server.code,
            env=fleet.server.environment | environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Working(process, output)
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.wait(_STOP_S)
