"""How many sessions of PostgreSQL nodes and workers take: what the page on production says, and no more."""

import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.support.fleet import Fleet
from tests.support.nodes import running_nodes
from tests.support.postgres import PostgresServer
from tests.support.readers import reading
from tests.support.waiting import until
from tests.support.working import working

_PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "run-in-production.md"
_NODES, _THREADS, _BANKS, _MACHINES, _SECONDS = 2, 2, 1, 16, 3.0
_NAMES = {"machines": _NODES, "BROKER_WORKERS": 1, "BROKER_THREADS": _THREADS, "banks": _BANKS}
_OPEN = "SELECT application_name, count(*) FROM pg_stat_activity WHERE datname = current_database() GROUP BY 1"
_LISTEN = b"LISTEN broker_due"


def documented() -> dict[str, int]:
    """Work out what the page says, for the sizes of this test: of all nodes, and of a worker."""
    (block,) = re.findall(r"```text\nmax_connections  >=(.*?)```", _PAGE.read_text(encoding="utf-8"), re.DOTALL)
    serving, worker, _ = re.split(r"\n\s*\+ ", block.strip())
    return {"node": _worked_out(serving), "worker": _worked_out(worker.replace("workers x", ""))}


def _worked_out(formula: str) -> int:
    for name, value in _NAMES.items():
        formula = re.sub(rf"\b{name}\b", str(value), formula)
    sums = formula.replace(" x ", " * ").strip()
    assert re.fullmatch(r"[\d\s+*()]+", sums), sums
    return int(eval(sums))  # noqa: S307 - digits, sums and products, as the line above has seen


@dataclass
class Watched:
    """The most sessions at once, by who holds them."""

    most: Counter[str] = field(default_factory=Counter)

    def look(self, beside: psycopg.Connection) -> None:
        for name, count in beside.execute(_OPEN).fetchall():
            self.most[name] = max(self.most[name], count)


@contextmanager
def watched(url: str) -> Iterator[Watched]:
    """Count the sessions again and again while the block runs."""
    found, over = Watched(), threading.Event()

    def watch() -> None:
        with psycopg.connect(url, autocommit=True) as beside:
            while not over.wait(0.005):
                found.look(beside)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def revoked_on(fleet: Fleet, seconds: float) -> None:
    """Let a person approve nothing and revoke one grant after the other."""
    person = fleet.person()
    sharer, ends_at = fleet.sharer(person), time.monotonic() + seconds
    while time.monotonic() < ends_at:
        assert sharer.acts("revoke", fleet.grant(person, ("balances",))).status == 303


def test_nodes_and_a_worker_take_no_more_sessions_than_the_page_says(postgres: PostgresServer, tmp_path: Path) -> None:
    url = postgres.new_database()
    named = {name: f"{url}?application_name={name}" for name in ("node", "worker")}
    nodes = running_nodes(tmp_path, url, count=_NODES, threads=_THREADS, BROKER_DATABASE_URL=named["node"])
    with nodes as running, watched(url) as found:
        log = tmp_path / "worker.log"
        with working(running.fleet, log, BROKER_DATABASE_URL=named["worker"]) as worker:
            until(lambda: found.most["worker"] or not worker.is_alive)
            with reading(running.fleet, _MACHINES) as readers:
                revoked_on(running.fleet, _SECONDS)
            assert readers.received
    allowed = documented()
    assert found.most["node"] <= allowed["node"]
    assert found.most["worker"] <= allowed["worker"]
    assert found.most["node"] > _NODES * _THREADS  # each thread has one for its transactions, and fences have theirs
    postgres.drop_database(url)


def test_a_call_sends_no_word(postgres: PostgresServer, tmp_path: Path) -> None:
    url = postgres.new_database()
    with running_nodes(tmp_path, url, count=1) as running, psycopg.connect(url, autocommit=True) as beside:
        fleet = running.fleet
        person, caller = fleet.person(), fleet.caller()
        grant = fleet.grant(person, ("balances",))
        (token,) = fleet.tokens(grant, caller.dpop.thumbprint, ("balances",))
        beside.execute(_LISTEN)
        assert [caller.read("balances", token).status for _ in range(5)] == [200] * 5
        assert list(beside.notifies(timeout=0.2)) == []
    postgres.drop_database(url)
