"""`python -m tests.bench.profiling [--calls N] [--databases D,D] [--folder DIR]`: where the time of a call goes.

One thread reads balances through the real application, with banks in memory and durable writes. Every millisecond of
processor time a signal looks where it is: native code counts for the Python function that called it. Written twice: by
the part of the broker that asked for the work, and by the library that did it.
"""

import argparse
import logging
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import FrameType
from typing import Any

import structlog
from flask import Flask
from werkzeug.test import EnvironBuilder

from broker.banks.connector import BankBalance
from tests.bench.peers.processes import cpu_s
from tests.bench.peers.starting import server_of
from tests.support.core import NOON, House, account, open_house
from tests.support.edge import BASE, Platform, app_of
from tests.support.fleet import ROOT
from tests.support.postgres import PostgresServer
from tests.support.stores import PostgresStore, SqliteStore, migrate

_EVERY_S, _WARM, _LEAST_SHARE = 0.001, 50, 0.008
_PATH = "/v1/accounts/balances"
_OWN = str(ROOT / "broker")
_PARTS: Mapping[str, str] = {
    "policy": "policies (Cedar)",
    "harvest": "harvest limits",
    "audit": "log: batch, leaf, chain, rows",
    "tlog": "log: tree, checkpoint, receipt",
    "crypto": "sealing and digests",
    "storage": "transactions and statements",
    "edge": "gates: token, DPoP, headers",
    "tokens": "gates: token, DPoP, headers",
    "oauth": "gates: token, DPoP, headers",
    "grants": "grant, its categories and counts",
    "switches": "switches",
    "banks": "banks: facts and answers",
    "users": "banks: facts and answers",
    "release": "release: gather, cut, answer",
    "api": "release: gather, cut, answer",
    "telemetry": "log lines and metrics",
    "metrics": "log lines and metrics",
}
"""The broker's packages by what a reader calls them."""
_DRIVEN = frozenset({"_executed", "first", "all"})
"""The functions that hand a prepared statement to the driver, and fetch from it."""
_FRAMEWORK = "Flask and Werkzeug"


@dataclass(slots=True)
class Samples:
    """Where the processor was, by who asked for the work and by what did it."""

    asked: Counter[str] = field(default_factory=Counter)
    did: Counter[str] = field(default_factory=Counter)

    def take(self, _number: int, frame: FrameType | None) -> None:
        """Look at the innermost function, and for the innermost one of the broker above the database's own."""
        library, part = "", ""
        while frame is not None and not part:
            file = frame.f_code.co_filename
            library = library or _library(file, frame.f_code.co_name)
            part = _part(file)
            frame = frame.f_back
        self.did[library] += 1
        self.asked[part or _FRAMEWORK] += 1


@dataclass(frozen=True, slots=True)
class Profile:
    """The profile of one database: milliseconds of processor time a call, of the broker and of a database server."""

    database: str
    calls: int
    cpu_ms: float
    server_cpu_ms: float
    wall_ms: float
    samples: Samples

    def words(self) -> Iterator[str]:
        """Yield the lines of the report."""
        yield f"## {self.database}"
        yield ""
        server = f", and {self.server_cpu_ms:.2f} ms of the database's server" if self.server_cpu_ms else ""
        yield (
            f"{self.calls:,} calls, one at a time: {self.cpu_ms:.2f} ms of processor time a call{server}; "
            f"{self.wall_ms:.2f} ms until it is answered."
        )
        for title, counted in (("asked by", self.samples.asked), ("done by", self.samples.did)):
            total = counted.total() or 1
            yield from ("", f"| {title} | share | ms |", "|---|---|---|")
            for name, count in counted.most_common():
                if count / total >= _LEAST_SHARE:
                    yield f"| {name} | {count / total:.1%} | {count / total * self.cpu_ms:.2f} |"
        yield ""


def _part(file: str) -> str:
    if not file.startswith(_OWN):
        return ""
    package = Path(file).relative_to(_OWN).parts[0]
    return _PARTS.get(package.removesuffix(".py"), "other")


def _library(file: str, function: str) -> str:
    path = Path(file)
    if path.name == "prepared.py" and function in _DRIVEN:
        return "the database's driver (SQLite itself is in it)"
    if file.startswith(_OWN):
        return "the broker's own Python"
    if "site-packages" in path.parts:
        return path.parts[path.parts.index("site-packages") + 1].removesuffix(".py")
    return f"Python: {path.stem}" if path.is_absolute() else "Python: built in"


def profiled(database: str, house: House, calls: int, server: int | None) -> Profile:
    """Run calls, after a few that warm it, and look where the time goes."""
    house.bank.own_accounts = [account("ref-1"), account("ref-2", name="Savings")]
    house.bank.own_balances = [BankBalance("ref-1", Decimal(100), Decimal("-0.5"), None, None, "GBP", NOON)]
    app = app_of(house)
    platform = Platform(house, app.test_client(), house.approved())
    requests = [_request(platform) for _ in range(calls + _WARM)]
    for request in requests[:_WARM]:
        _answered(app, request)
    samples, stored = Samples(), 0.0 if server is None else cpu_s(server)
    began, used = time.perf_counter(), time.process_time()
    with sampled(samples):
        for request in requests[_WARM:]:
            _answered(app, request)
    used, took = time.process_time() - used, time.perf_counter() - began
    stored = 0.0 if server is None else cpu_s(server) - stored
    return Profile(database, calls, used / calls * 1e3, stored / calls * 1e3, took / calls * 1e3, samples)


@contextmanager
def sampled(samples: Samples) -> Iterator[None]:
    """Take a sample every millisecond of this process's processor time."""
    before = signal.signal(signal.SIGPROF, samples.take)
    signal.setitimer(signal.ITIMER_PROF, _EVERY_S, _EVERY_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _request(platform: Platform) -> dict[str, Any]:
    headers = {"Authorization": f"DPoP {platform.token}", "DPoP": platform.proof(_PATH), **platform.presence}
    return EnvironBuilder(path=_PATH, base_url=BASE, headers=headers).get_environ()


def _answered(app: Flask, request: dict[str, Any]) -> None:
    told: list[str] = []
    answer = app.wsgi_app(request, lambda status, _headers, _error=None: told.append(status))
    body = b"".join(answer)
    if close := getattr(answer, "close", None):
        close()
    assert told == ["200 OK"], body


def _on(database: str, folder: Path, calls: int) -> Profile:
    if database == "sqlite":
        with open_house(folder, SqliteStore(folder / "broker.db")) as house:
            return profiled("SQLite", house, calls, None)
    with server_of(database, folder) as running:
        server = PostgresServer(running["url"])
        url = server.new_database()
        migrate(url)
        with open_house(folder, PostgresStore(server, url)) as house:
            return profiled("PostgreSQL", house, calls, int(running["pid"]))


def main() -> None:
    """Profile each database, write and say what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.profiling")
    parser.add_argument("--calls", type=int, default=2_000)
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--folder", type=Path, default=ROOT / ".bench" / "results")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    (ROOT / ".bench").mkdir(exist_ok=True)
    lines = ["# Where the time of a call goes", ""]
    for database in given.databases.split(","):
        with tempfile.TemporaryDirectory(dir=ROOT / ".bench") as name:
            folder = Path(name)
            folder.chmod(0o711)  # a PostgreSQL that root starts runs as somebody else, who has to get to its data
            lines += _on(database, folder, given.calls).words()
    given.folder.mkdir(parents=True, exist_ok=True)
    (given.folder / "profile.md").write_text("\n".join(lines), encoding="utf-8")
    sys.stdout.write("\n".join(lines))


if __name__ == "__main__":
    main()
