"""The real `broker serve`, started from any copy of the product, with its processes by id."""

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.support.wire import Line, LineBroken, message

_START_S = 20.0
_STOP_S = 30.0
_ALIVE = message("GET", "/healthz", {})
_PORTS = range(30_100, 31_000)  # below those that the kernel gives to callers, who might else meet themselves there


def free_port() -> int:
    """Choose a port that nobody listens at now."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Choose so many ports that nobody listens at now, each another one."""
    start, free = os.getpid() * 7, []
    for offset in range(len(_PORTS)):
        port = _PORTS[(start + offset) % len(_PORTS)]
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            free.append(port)
        if len(free) == count:
            return free
    raise AssertionError("no free port")


class Server:
    """One `broker serve`. `code` is the folder whose `broker` runs; `prefix` is a command that runs it (a tracer).

    `program` is the module that is run.
    """

    def __init__(
        self,
        code: Path,
        environment: dict[str, str],
        port: int,
        output: Path,
        *options: str,
        prefix: Sequence[str] = (),
        program: str = "broker",
    ) -> None:
        self._command = [*prefix, sys.executable, "-m", program, "serve", *options]
        self.code = code
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROKER_", "COV_"))}
        self.environment = {**kept, "PYTHONPATH": str(code), **environment}
        self._port = port
        self._prefix = len(prefix)
        self.output = output
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the processes; `wait` until they serve."""
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                self._command,
                cwd=self.code,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Wait until an answer comes and every worker has begun: the first one serves before the last."""
        wanted = int(dict(itertools.pairwise(self._command)).get("--workers", "1"))
        deadline = time.monotonic() + _START_S
        line = Line(self._port)
        while time.monotonic() < deadline:
            assert self.process is not None
            assert self.process.poll() is None, self.said()
            try:
                answer = line.call(_ALIVE)
            except LineBroken:
                time.sleep(0.01)
                continue
            line.close()
            assert answer.status == 200
            if len(self.workers()) >= wanted:
                return
            time.sleep(0.01)
        raise AssertionError(f"nobody answers: {self.said()}")

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")[-4_000:]

    @property
    def main(self) -> int:
        """Return the id of the process that keeps the workers."""
        assert self.process is not None
        return children_of(self.process.pid)[0] if self._prefix else self.process.pid

    def workers(self) -> list[int]:
        """Return the ids of the worker processes that live now."""
        return children_of(self.main)

    def stop(self) -> int:
        """Ask it to end, as an operator would, and return its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            os.kill(self.main, signal.SIGTERM)
        try:
            return self.process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """End every process of it at once, without a word (kill -9)."""
        assert self.process is not None
        pids = [*self.workers(), self.main] if self.process.poll() is None else []
        if pids:
            os.killpg(self.process.pid, signal.SIGKILL)  # the group is ours: it was started as a session of its own
        self.process.wait(_STOP_S)
        for pid in pids:
            _until_gone(pid)


def worker_of(line: Line, workers: Sequence[int], port: int) -> int | None:
    """Return the worker process that holds the other end of a line; None while nobody has accepted it."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    ends = (f"0100007F:{port:04X}", f"0100007F:{line.local_port:04X}")
    sockets = {f"socket:[{row[9]}]" for row in rows if (row[1], row[2]) == ends}
    return next((pid for pid in workers if sockets & set(_files_of(pid))), None)


def _files_of(pid: int) -> Iterator[str]:
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile
            yield str(link.readlink())


def children_of(pid: int) -> list[int]:
    """Return the living child processes of a process."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(child) for child in listed.split()]


def _until_gone(pid: int) -> None:
    """A killed worker's parent is gone too: wait until init has buried it, or its state says that it is dead."""
    deadline = time.monotonic() + _STOP_S
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
        except OSError:
            return
        if state in {"Z", "X"}:
            return
        time.sleep(0.002)
    raise AssertionError(f"process {pid} does not end")
