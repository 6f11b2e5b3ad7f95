"""Measures contenders in turns, so that a machine that drifts drifts for all of them."""

import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.bench.peers.contenders import Contender
from tests.bench.peers.load import Order, run
from tests.bench.peers.processes import cpu_s, largest_bytes
from tests.support.fleet import ROOT, running_fleet
from tests.support.held import held_readers, shares_of

_MARGIN, _LEAST = 1.6, 20
_WARM_S = 0.7
_HANG_S, _READERS, _REVOCATIONS = 20.0, 24, 60


@dataclass(frozen=True, slots=True)
class Figures:
    """One turn of one contender: rates a second, times in milliseconds, processor time a request in microseconds."""

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    database_cpu_us: float
    process_mib: float
    failed: int
    failures: dict[str, int]


def turn(contender: Contender, clients: int, seconds: float) -> Figures:
    """Load a contender once. What it is expected to do is corrected by what it did."""
    each = 1 if contender.repeats else max(_LEAST, math.ceil(contender.per_second * seconds * _MARGIN / clients))
    order = Order(contender.port, contender.prepare(clients, each), seconds, contender.repeats)
    before, database = cpu_s(contender.pid), _database_s(contender)
    seen = run(order)
    used, stored = cpu_s(contender.pid) - before, _database_s(contender) - database
    good = max(1, len(seen.latencies))
    if seen.has_run_dry:
        contender.per_second *= 1.5
    return Figures(
        per_second=round(seen.per_second, 1),
        p50_ms=round(seen.percentile(0.5) * 1e3, 2),
        p99_ms=round(seen.percentile(0.99) * 1e3, 2),
        cpu_us=round(used / good * 1e6),
        database_cpu_us=round(stored / good * 1e6),
        process_mib=round(largest_bytes(contender.pid) / (1 << 20), 1),
        failed=seen.failures.total(),
        failures=dict(seen.failures),
    )


def _database_s(contender: Contender) -> float:
    return 0.0 if contender.database is None else cpu_s(contender.database)


def interleaved(
    contenders: Sequence[Contender], rounds: int, seconds: float, say: Callable[[str], None]
) -> dict[str, dict[int, list[Figures]]]:
    """Measure every contender at each of its numbers of clients once a round; a first turn of each warms it."""
    found: dict[str, dict[int, list[Figures]]] = {
        one.name: {clients: [] for clients in one.concurrencies} for one in contenders
    }
    for one in contenders:
        turn(one, one.concurrencies[-1], _WARM_S)
    for number in range(rounds):
        for one in contenders:
            for clients in one.concurrencies:
                figures = turn(one, clients, seconds)
                found[one.name][clients].append(figures)
                say(f"round {number + 1}  {one.name:45} c={clients:<3} {asdict(figures)}")
    return found


def middle(turns: Sequence[Figures], name: str) -> float:
    """Return the median of one figure over the turns."""
    return float(statistics.median(getattr(one, name) for one in turns))


def revoke_ms(folder: Path) -> dict[str, float]:
    """Let a bank hang under readers, revoke as persons do on their page, return percentiles in milliseconds."""
    folder.mkdir()
    took = []
    with running_fleet(folder, workers=2, threads=32) as fleet:
        shares = shares_of(fleet, _READERS, 1 + -(-_REVOCATIONS // _READERS))
        fleet.banks["harbor"].behaves(hang_s=_HANG_S)
        with held_readers(fleet, shares) as held:
            for _ in range(_REVOCATIONS):
                share = held.under_way.get(timeout=60)
                answer = share.sharer.acts("revoke", share.grant)
                assert answer.status == 303, answer.body
                took.append((answer.returned_ns - answer.called_ns) / 1e6)
    took.sort()
    return {name: round(took[int(share * len(took))], 1) for name, share in (("p50", 0.5), ("p95", 0.95))}


def started(folder: Path) -> dict[str, float]:
    """Return how many seconds the broker takes until it serves, and how many to be imported; medians of five."""
    ready, imported = [], []
    for number in range(5):
        own = folder / f"start-{number}"
        own.mkdir()
        with running_fleet(own, workers=2) as fleet:
            fleet.server.stop()
            begun = time.monotonic()
            fleet.server.start()
            fleet.server.wait()
            ready.append(time.monotonic() - begun)
        begun = time.monotonic()
        subprocess.run([sys.executable, "-c", "import broker.app"], check=True, cwd=ROOT)
        imported.append(time.monotonic() - begun)
    return {"ready_s": round(statistics.median(ready), 2), "import_s": round(statistics.median(imported), 2)}


def fsync_ms(folder: Path) -> float:
    """Return how long one fsync of a page takes on the folder's disk, the median of 200."""
    took = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(200):
            file.write(b"x" * 4096)
            file.flush()
            begun = time.monotonic()
            os.fsync(file.fileno())
            took.append(time.monotonic() - begun)
    return round(statistics.median(took) * 1e3, 3)


def plain(found: dict[str, dict[int, list[Figures]]]) -> dict[str, Any]:
    """Return the figures of every turn in JSON's values."""
    return {name: {str(c): [asdict(one) for one in turns] for c, turns in rows.items()} for name, rows in found.items()}
