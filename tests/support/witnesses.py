"""Witnesses for tests: one served by a thread, one as the process that a bank would run."""

import http.client
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import broker
from broker.clock import system_clock
from broker.tlog.cosignature import Cosigner
from broker.witness.heads import Heads
from broker.witness.key import generate_key, load_key
from broker.witness.known_logs import load_logs
from broker.witness.server import WitnessServer
from broker.witness.service import Reply, Witness
from tests.support.served import free_port
from tests.support.waiting import until

NAME = "harbor.example/witness"
CODE = Path(broker.__file__).resolve().parents[1]
"""The folder of the product that is tested: a planted copy in a control."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def asked(port: int, body: bytes | None, path: str = "/add-checkpoint", method: str | None = None) -> Answer:
    """Ask over a connection of its own; a body is posted."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        line.request(method or ("GET" if body is None else "POST"), path, body)
        answer = line.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        line.close()


def new_witness(folder: Path, *rules: str, name: str = NAME) -> Cosigner:
    """Make a witness's folder: its key and the logs that it knows."""
    cosigner = generate_key(folder / "key.json", name)
    (folder / "logs.txt").write_text("\n".join(rules) + "\n", encoding="utf-8")
    return cosigner


@contextmanager
def served(
    folder: Path, heads: Heads | None = None, clock: Callable[[], datetime] = system_clock, **limits: float
) -> Iterator[WitnessServer]:
    """Serve the witness of a folder from a thread; `limits` as `WitnessServer` takes them."""
    heads = heads or Heads(folder / "heads")
    heads.prepare()
    witness = Witness(load_key(folder / "key.json"), load_logs(folder / "logs.txt"), heads, clock)
    told: list[Reply] = []
    server = WitnessServer(("127.0.0.1", 0), witness, told.append, **limits)  # type: ignore[arg-type]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class WitnessProcess:
    """`broker audit witness run` on a folder."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder, self.port = folder, port or free_port()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROKER_", "COV_"))}
        self._environment = {**kept, "PYTHONPATH": str(CODE)}
        self.start()

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def start(self) -> None:
        options = ["--folder", str(self.folder), "--port", str(self.port)]
        with (self.folder / "witness.log").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "broker", "audit", "witness", "run", *options],
                cwd=CODE,
                env=self._environment,
                stdout=output,
                stderr=output,
            )
        until(self._answers)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(20)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(20)

    def _answers(self) -> bool:
        assert self.process.poll() is None, (self.folder / "witness.log").read_text(encoding="utf-8")
        try:
            return asked(self.port, None, "/healthz").status == 200
        except OSError:
            return False
