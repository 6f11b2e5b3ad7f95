"""`broker metrics` as a process of its own, and what it tells as data."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection

from broker.settings import Settings

_SAMPLE = re.compile(r"(?P<name>[a-z_]+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
_LABEL = re.compile(r'([a-z_]+)="([^"]*)"')
_START_S = 20.0


class Exposed:
    """What is told at a port of this machine."""

    def __init__(self, port: int) -> None:
        self.port = port

    def get(self, path: str = "/metrics", host: str = "127.0.0.1") -> tuple[int, str]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path, headers={"Host": host})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def samples(self) -> list[tuple[str, dict[str, str], float]]:
        status, told = self.get()
        assert status == 200
        found = [_SAMPLE.fullmatch(line) for line in told.splitlines() if line and not line.startswith("#")]
        assert all(found)
        return [(one["name"], dict(_LABEL.findall(one["labels"] or "")), float(one["value"])) for one in found if one]

    def total(self, name: str, **labels: str) -> float:
        """Add up the samples of this name that have these labels."""
        return sum(value for told, has, value in self.samples() if told == name and labels.items() <= has.items())


@contextmanager
def exposed(settings: Settings, port: int) -> Iterator[Exposed]:
    """Run `broker metrics` beside the broker with these settings."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("BROKER_", "COV_"))},
        "BROKER_MODE": "sandbox",
        "BROKER_BASE_URL": settings.base_url,
        "BROKER_DATA_DIR": str(settings.data_dir),
        "BROKER_DATABASE_URL": settings.database_url,
        "BROKER_METRICS_PORT": str(port),
    }
    process = subprocess.Popen([sys.executable, "-m", "broker", "metrics"], env=environment)
    told, deadline = Exposed(port), time.monotonic() + _START_S
    try:
        while True:
            assert process.poll() is None
            assert time.monotonic() < deadline
            try:
                told.get()
            except OSError:
                time.sleep(0.05)
                continue
            break
        yield told
    finally:
        process.terminate()
        assert process.wait(10) == 0
