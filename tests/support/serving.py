"""A small WSGI application behind the broker's own server, as a process: `python -m tests.support.serving PORT ...`."""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Self

from broker.cli.serving.server import Limits, Server
from broker.edge.hand_over import DOWNLOAD
from broker.errors import StorageUnavailable
from broker.telemetry import configure_logging

LARGE = 4 << 20
"""More than the kernel's buffers on both sides hold."""
_RECEIVE_BUFFER = 64 << 10
_GO = "go"


class _Application:
    """Echoes requests; notes in a file when an answer was made and when it was closed."""

    def __init__(self, notes: Path) -> None:
        self._notes = notes

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        name, _, argument = environ["PATH_INFO"].strip("/").partition("/")
        answer = getattr(self, f"answer_{name}", self.answer_echo)(environ, argument)
        start_response("200 OK", [("Content-Length", str(answer.length)), ("Content-Type", "text/plain")])
        self.note("made", argument)
        return answer

    def note(self, word: str, argument: str) -> None:
        with self._notes.open("a") as file:
            file.write(f"{word} {argument or '-'} {time.monotonic()}\n")

    def answer_echo(self, environ: dict[str, Any], argument: str) -> "_Answer":
        told = {
            "method": environ["REQUEST_METHOD"],
            "path": environ["PATH_INFO"],
            "query": environ["QUERY_STRING"],
            "body": environ["wsgi.input"].read().decode("latin-1"),
            "pid": os.getpid(),
        }
        return _Answer(self, argument, [json.dumps(told).encode()])

    def answer_large(self, _environ: dict[str, Any], argument: str) -> "_Answer":
        return _Answer(self, argument, [b"x" * (int(argument) if argument.isdigit() else LARGE)])

    def answer_download(self, environ: dict[str, Any], argument: str) -> "_Answer":
        environ[DOWNLOAD] = True
        return self.answer_large(environ, argument)

    def answer_v1(self, environ: dict[str, Any], argument: str) -> "_Answer":
        """Answer as elsewhere, but under an address of the API."""
        name, _, rest_of_it = argument.partition("/")
        answer: _Answer = getattr(self, f"answer_{name}")(environ, rest_of_it)
        return answer

    def answer_slow(self, _environ: dict[str, Any], argument: str) -> "_Answer":
        self.note("begun", argument)
        time.sleep(1)
        return _Answer(self, argument, [b"whole"])

    def answer_held(self, _environ: dict[str, Any], argument: str) -> "_Answer":
        """Answer when `Served.lets_go` was called."""
        self.note("begun", argument)
        wait_until(self._notes.with_name(_GO).exists, 30)
        return _Answer(self, argument, [b"whole"])

    def answer_breaking(self, _environ: dict[str, Any], argument: str) -> "_Answer":
        return _Answer(self, argument, [b"some", ZeroDivisionError("a secret")])

    def answer_failing(self, _environ: dict[str, Any], argument: str) -> "_Answer":
        self.note("made", argument)
        raise ZeroDivisionError("a secret")


class _Answer:
    def __init__(self, application: _Application, argument: str, parts: list[Any]) -> None:
        self._application = application
        self._argument = argument
        self._parts = parts
        self.length = sum(len(part) for part in parts if isinstance(part, bytes))

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            if isinstance(part, Exception):
                raise part
            yield part

    def close(self) -> None:
        self._application.note("closed", self._argument)


class Served:
    """The application above, served by processes of its own; used as a context."""

    def __init__(
        self, folder: Path, *, port: int | None = None, workers: int = 1, threads: int = 8, **limits: float
    ) -> None:
        self.port = port or free_port()
        self.notes_file = folder / "notes"
        self.gate = folder / "gate"  # workers cannot be built while it is shut, nor is anything renewed
        self.notes_file.touch()
        self.gate.touch()
        self._arguments = [self.port, self.notes_file, self.gate, workers, threads, json.dumps(limits)]
        self._log = folder / "log"

    def __enter__(self) -> Self:
        with self._log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.serving", *map(str, self._arguments)],
                stderr=log,
                start_new_session=True,
            )
        wait_until(self.answers, 30)
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    @property
    def log(self) -> str:
        return self._log.read_text()

    def answers(self) -> bool:
        with contextlib.suppress(OSError):
            return self.ask(b"GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 200")
        return False

    def listens(self) -> bool:
        with contextlib.suppress(ConnectionRefusedError), self.connect():
            return True
        return False

    def lets_go(self) -> None:
        """Have the answers made that were held."""
        self.notes_file.with_name(_GO).touch()

    def connect(self) -> socket.socket:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        connection.settimeout(20)
        try:
            connection.connect(("127.0.0.1", self.port))
        except OSError:
            connection.close()
            raise
        return connection

    def ask(self, raw: bytes) -> bytes:
        """Send bytes, and return everything that comes until the server ends the connection."""
        with self.connect() as connection:
            connection.sendall(raw)
            return rest(connection)

    def pid(self) -> int:
        answer = self.ask(b"GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        number: int = json.loads(answer.split(b"\r\n\r\n", 1)[1])["pid"]
        return number

    def noted(self, word: str, argument: str) -> list[float]:
        """When this was noted."""
        lines = [line.split() for line in self.notes_file.read_text().splitlines()]
        return [float(line[2]) for line in lines if line[:2] == [word, argument]]


def rest(connection: socket.socket) -> bytes:
    """Everything up to the end of the connection, also when that is a reset."""
    parts = []
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(1 << 20):
            parts.append(part)
    return b"".join(parts)


def free_port() -> int:
    while True:
        port = random.randint(31_000, 31_899)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def wait_until(condition: Callable[[], Any], seconds: float = 10) -> None:
    """Wait for a condition; fail when it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def _main(port: str, notes: str, gate: str, workers: str, threads: str, limits: str) -> None:
    def build() -> _Application:
        if not Path(gate).exists():
            raise StorageUnavailable
        return _Application(Path(notes))

    configure_logging("INFO")
    asked = Limits("127.0.0.1", int(port), int(workers), int(threads), 128 * 1024, **json.loads(limits))
    Server(build, asked, "INFO", renew=Path(gate).exists).run()


if __name__ == "__main__":
    _main(*sys.argv[1:])
