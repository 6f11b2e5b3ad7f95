"""Two nodes on a PostgreSQL whose transactions are SERIALIZABLE, under acts that overtake each other."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.support.fleet import ROOT
from tests.support.load import Load, under_load, until_done
from tests.support.nodes import Nodes, running_nodes
from tests.support.one_history import log_of
from tests.support.postgres import PostgresServer, own_server
from tests.support.wire import Answer, LineBroken

_PATIENCE_S = 120.0
_PACE_S = 0.05
_REFRESHERS = 4


@dataclass
class Serializable:
    """A server on which every transaction is SERIALIZABLE unless it says otherwise, and two nodes on it."""

    server: PostgresServer
    nodes: Nodes

    def overtaken(self) -> int:
        """Return how many transactions the server has undone because of others (40001, 40P01)."""
        assert self.server.log is not None
        said = self.server.log.read_text(encoding="utf-8", errors="replace")
        return said.count("ERROR:  40001:") + said.count("ERROR:  40P01:")


@dataclass
class Overtaken:
    """What happened: what everybody was told, and how many transactions were undone meanwhile."""

    place: Serializable
    load: Load
    log: str
    conflicts: int = 0
    refreshed: list[Answer] = field(default_factory=list)

    @property
    def answers(self) -> list[Answer]:
        return [*self.load.readers.answers.values(), *self.refreshed]

    @property
    def failures(self) -> int:
        """Return how many acts were answered with 503."""
        of_acts = sum(count for (status, _), count in self.load.refused.items() if status == 503)
        return of_acts + sum(answer.status == 503 for answer in self.answers)


@contextmanager
def serializable(folder: Path, code: Path = ROOT) -> Iterator[Serializable]:
    """Start a server of our own, and two nodes."""
    with own_server() as server:
        with psycopg.connect(f"{server.url}/postgres", autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET default_transaction_isolation = 'serializable'")
            connection.execute("ALTER SYSTEM SET log_error_verbosity = 'verbose'")
            connection.execute("SELECT pg_reload_conf()")
        with running_nodes(folder, server.new_database(), code=code, count=2) as nodes:
            yield Serializable(server, nodes)


def overtake(place: Serializable, count: int, seconds: float = _PATIENCE_S) -> Overtaken:
    """Let machines read and refresh, and people approve and revoke, until so many of each were told as done."""
    fleet, before = place.nodes.fleet, place.overtaken()
    with under_load(fleet, 2 * count) as load:
        happened = Overtaken(place, load, log_of(fleet))
        with _refreshing(happened):
            until_done(load, 0, count, seconds)
    happened.conflicts = place.overtaken() - before
    return happened


@contextmanager
def _refreshing(happened: Overtaken) -> Iterator[None]:
    """Refresh tokens of one grant from several machines while the block runs."""
    fleet, over = happened.place.nodes.fleet, threading.Event()
    grant = fleet.grant(fleet.person(), ("balances",))
    (token,) = fleet.refresh_tokens(grant, ("balances",))

    def refresh() -> None:
        caller = fleet.caller()
        while not over.is_set():
            try:
                happened.refreshed.append(caller.refresh(token))
            except LineBroken:
                time.sleep(_PACE_S)

    with ThreadPoolExecutor(_REFRESHERS) as pool:
        running = [pool.submit(refresh) for _ in range(_REFRESHERS)]
        try:
            yield
        finally:
            over.set()
    for one in running:
        one.result()
