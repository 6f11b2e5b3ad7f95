"""The goals of the design as ratios of one run, and whether they were met."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.bench.peers import starting as names
from tests.bench.peers.measuring import Figures, middle

Found = dict[str, dict[int, list[Figures]]]
_LOADED = (16, 64)


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal: what was found, what it should be `at_least` (or at most), None where nothing could be measured."""

    name: str
    found: float | None
    bound: float
    at_least: bool

    @property
    def is_met(self) -> bool:
        """Say whether it was reached."""
        if self.found is None:
            return False
        return self.found >= self.bound if self.at_least else self.found <= self.bound

    def words(self) -> str:
        """Return a row of a Markdown table."""
        sign = "≥" if self.at_least else "≤"
        found = "not measured" if self.found is None else f"{self.found:.3g}"
        return f"| {self.name} | {sign} {self.bound:g} | {found} | {'met' if self.is_met else '**missed**'} |"


def goals(found: Found, beside: dict[str, Any]) -> Iterator[Goal]:
    """Yield every goal that one run can judge."""
    for database, least in (("SQLite", 0.12), ("PostgreSQL", 0.08)):
        call = names.CALL.format(database)
        for clients in _LOADED:
            yield _rate(found, call, names.HELLO, clients, least)
    for database in ("SQLite", "PostgreSQL"):
        call = names.CALL.format(database)
        for clients in _LOADED:
            yield _rate(found, call, names.DJANGO.format("SQLite"), clients, 2.0)
            yield _rate(found, call, names.DPOP, clients, 1.0)
        cpu = _ratio(found, call, names.DPOP, 16, "cpu_us")
        yield Goal(f"CPU a request of {call} ÷ {names.DPOP}, c = 16", cpu, 1.2, at_least=False)
    for database, p50, p99 in (("SQLite", 8.0, 60.0), ("PostgreSQL", 15.0, 120.0)):
        call = names.HTTP_CALL.format(database)
        yield _rate(found, call, names.PROXY, 16, 0.4)
        yield Goal(f"{call}: added p50 in ms, c = 16", _added(found, call, "p50_ms"), p50, at_least=False)
        yield Goal(f"{call}: added p99 in ms, c = 16", _added(found, call, "p99_ms"), p99, at_least=False)
    sqlite = names.CALL.format("SQLite")
    many = _ratio(found, names.MANY, sqlite, 16, "cpu_us")
    yield Goal("CPU of a call for 100 transactions ÷ for balances", many, 1.5, at_least=False)
    yield _rate(found, sqlite, names.ONE_PROCESS, 16, 1.2)
    cpu = _ratio(found, sqlite, names.ONE_PROCESS, 16, "cpu_us")
    yield Goal("CPU a call of two processes ÷ of one", cpu, 1.1, at_least=False)
    largest = max((middle(turns, "process_mib") for turns in found.get(sqlite, {}).values()), default=None)
    yield Goal("memory of a process in MiB", largest, 150, at_least=False)
    for name, bound in (("ready_s", 2.0), ("import_s", 1.0)):
        yield Goal(f"start: {name}", beside.get("start", {}).get(name), bound, at_least=False)
    yield Goal("revoke while a bank hangs: p95 in ms", beside.get("revoke_ms", {}).get("p95"), 150, at_least=False)


def _rate(found: Found, ours: str, other: str, clients: int, least: float) -> Goal:
    ratio = _ratio(found, ours, other, clients, "per_second")
    return Goal(f"{ours} ÷ {other}, c = {clients}", ratio, least, at_least=True)


def _ratio(found: Found, ours: str, other: str, clients: int, figure: str) -> float | None:
    """Return the median of the ratios of each round: neighbours in time."""
    mine, theirs = found.get(ours, {}).get(clients, []), found.get(other, {}).get(clients, [])
    pairs = [(getattr(a, figure), getattr(b, figure)) for a, b in zip(mine, theirs, strict=False)]
    each = sorted(a / b for a, b in pairs if b)
    return each[len(each) // 2] if each else None


def _added(found: Found, call: str, figure: str) -> float | None:
    mine, theirs = found.get(call, {}).get(16, []), found.get(names.PROXY, {}).get(16, [])
    return middle(mine, figure) - middle(theirs, figure) if mine and theirs else None
