"""One candidate as a process group: started, watched, stopped."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

_TICK = os.sysconf("SC_CLK_TCK")


class Running:
    """A candidate that serves; used as a context."""

    def __init__(self, name: str, port: int, folder: Path) -> None:
        self.name, self.port, self.notes = name, port, folder / f"{name}.notes"
        self.notes.write_text("")
        self._output = (folder / f"{name}.log").open("w")

    def __enter__(self) -> Self:
        began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.servers.launch", self.name, str(self.port)],
            env=os.environ | {"BENCH_NOTES": str(self.notes)},
            stdout=self._output,
            stderr=self._output,
            start_new_session=True,
        )
        wait_for(self.answers, 20)
        self.started_in_s = time.monotonic() - began
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._output.close()

    def answers(self) -> bool:
        with contextlib.suppress(OSError):
            return self.get("/hello").startswith(b"HTTP/1.1 200")
        return False

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def get(self, path: str) -> bytes:
        with self.connect() as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            return b"".join(iter(lambda: connection.recv(1 << 16), b""))

    def closed_at(self) -> list[float]:
        return [float(line.split()[1]) for line in self.notes.read_text().splitlines()]

    def processes(self) -> list[Path]:
        """All processes of the group, as folders of /proc."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if int(_fields(folder)[2]) == self.process.pid:
                    found.append(folder)
        return found

    def cpu_s(self) -> float:
        return sum(sum(map(int, _fields(folder)[11:13])) for folder in self.processes()) / _TICK

    def largest_mib(self) -> float:
        sizes = [(folder / "smaps_rollup").read_text().split("Pss:")[1].split()[0] for folder in self.processes()]
        return max(map(int, sizes)) / 1024


def _fields(folder: Path) -> list[str]:
    return (folder / "stat").read_text().rpartition(")")[2].split()


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    """Wait until the condition holds.

    Raises:
        TimeoutError: it did not within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.02)
