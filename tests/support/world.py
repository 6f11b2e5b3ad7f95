"""Starts a sandbox world as a user would, on free ports, and reads its info document."""

import functools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

_OUTSIDER = 26
_OFFSETS = (0, 11, 12, 20, 21, 25, _OUTSIDER, 31, 32)


def free_port_base() -> int:
    """A base whose ports are free now."""
    numbers = list(range(20_000, 30_000, 40))
    random.shuffle(numbers)
    for base in numbers:
        if all(_is_free(base + offset) for offset in _OFFSETS):
            return base
    raise AssertionError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class World:
    """One running sandbox."""

    def __init__(self, data_dir: Path, port_base: int | None = None, **environment: str) -> None:
        self.data_dir = data_dir
        self.port_base = port_base or free_port_base()
        self.outsider_port = self.port_base + _OUTSIDER
        """Where somebody who is no part of the world may be sent events."""
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("BROKER_", "COV_"))},
            "BROKER_DATA_DIR": str(data_dir),
            "BROKER_SANDBOX_PORT_BASE": str(self.port_base),
            "BROKER_WORKERS": "2",
            "BROKER_EVENTS_ALLOW": f"localhost:{self.outsider_port}",
            **environment,
        }
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> "World":
        self.process = subprocess.Popen(
            [sys.executable, "-m", "broker", "sandbox", "up"],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        deadline = time.monotonic() + 90
        self.output = ""
        assert self.process.stdout is not None
        while "Stop with Ctrl-C" not in self.output:
            line = self.process.stdout.readline()
            assert line, f"the sandbox ended early: {self.output}"
            assert time.monotonic() < deadline, self.output
            self.output += line
        return self

    def command(self, *arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a `broker` command against this world."""
        return subprocess.run(
            [sys.executable, "-m", "broker", *arguments],
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=check,
        )

    @functools.cached_property
    def info(self) -> dict[str, Any]:
        """What `broker sandbox info --json` said when first asked."""
        return self.info_now()

    def info_now(self) -> dict[str, Any]:
        """What it says now: people may have come, and processes are others after a second start."""
        document: dict[str, Any] = json.loads(self.command("sandbox", "info", "--json").stdout)
        return document

    def stop(self) -> int:
        """Press Ctrl-C and wait."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.communicate(timeout=40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        return self.process.returncode
