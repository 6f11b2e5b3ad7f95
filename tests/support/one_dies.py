"""The story of one node of several that is killed under load, while it holds the fence of a grant."""

import contextlib
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import text

from broker.grants.fence import Fences
from tests.support.caller import PATHS
from tests.support.load import Load, under_load, until_done
from tests.support.nodes import Node, Nodes
from tests.support.one_history import log_of
from tests.support.sharer import Sharer
from tests.support.wire import Answer, Line, LineBroken

_PATIENCE_S = 60.0
_PAUSE_S = 0.05
# Other tests have databases of their own on the same server.
_HELD = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
    " AND classid = :high AND objid = :low"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@dataclass
class Repeated:
    """Calls that were sent to several nodes at once, each with one proof; `won` counts its answers with data."""

    lines: int
    requests: list[bytes] = field(default_factory=list)
    won: Counter[bytes] = field(default_factory=Counter)

    def send(self, port: int, request: bytes) -> None:
        """Send one call over so many new connections at once."""
        lines = [Line(port) for _ in range(self.lines)]
        self.requests.append(request)
        with contextlib.suppress(LineBroken, OSError):
            for line in lines:
                line.open()
                line.send(request)
        for line in lines:
            with contextlib.suppress(LineBroken):
                self.won[request] += line.receive().status == 200


@dataclass
class OneDied:
    """What happened. `stopped` is the answer to the revocation of the grant whose fence the killed node held."""

    nodes: Nodes
    load: Load
    repeated: Repeated
    killed: Node
    stopped: Answer
    held_grant: str
    log: str

    @property
    def freed_after_s(self) -> float:
        """Return how long the revocation took that came right after the kill."""
        return (self.stopped.returned_ns - self.stopped.called_ns) / 1e9


def one_dies(nodes: Nodes, *, warm: int, after: int, count: int) -> OneDied:
    """Kill a node under load while it holds a fence, and revoke behind that fence at once; then let all go on.

    `warm` and `after` are how many of each act are told as done before and after; `count` is how many there are.
    """
    fleet, killed, repeated = nodes.fleet, nodes.nodes[-1], Repeated(len(nodes.nodes))
    person = fleet.person()
    grant = fleet.grant(person, ("balances",))
    sharer = fleet.sharer(person)
    with under_load(fleet, count) as load, _repeating(nodes, repeated):
        _read_everywhere(nodes, load, list(load.grants)[: warm + after])
        until_done(load, 0, warm, _PATIENCE_S)
        with _reading_at(nodes, killed, grant):
            _stop_with_fence(nodes, killed, grant)
            killed_ns = time.monotonic_ns()
            killed.server.kill()
            stopped = _revoked(sharer, grant)
        until_done(load, killed_ns, after, _PATIENCE_S)
    return OneDied(nodes, load, repeated, killed, stopped, grant, log_of(fleet))


def _read_everywhere(nodes: Nodes, load: Load, grants: list[str]) -> None:
    """Read at every node on grants of which some are revoked soon: a node that remembered would remember these."""
    for node in nodes.nodes:
        line = Line(node.port)
        for grant_id in grants:
            line.call(load.doubter.reading(PATHS["balances"], load.grants[grant_id]))


def _revoked(sharer: Sharer, grant: str) -> Answer:
    """Press the button, again where the connection broke before an answer, as a browser does."""
    try:
        return sharer.acts("revoke", grant)
    except LineBroken:
        return sharer.acts("revoke", grant)


@contextmanager
def _repeating(nodes: Nodes, repeated: Repeated) -> Iterator[None]:
    """Show each proof to several nodes at once while the block runs."""
    fleet, over = nodes.fleet, threading.Event()
    caller = fleet.caller()
    grant = fleet.grant(fleet.person(), ("balances",))
    (token,) = fleet.tokens(grant, caller.dpop.thumbprint, ("balances",))

    def repeat() -> None:
        while not over.wait(_PAUSE_S):
            repeated.send(fleet.port, caller.reading(PATHS["balances"], token))

    with _running(repeat):
        yield
        over.set()


@contextmanager
def _reading_at(nodes: Nodes, node: Node, grant: str) -> Iterator[None]:
    """Read on one grant at one node, past the front, until the node ends."""
    caller, over = nodes.fleet.caller(), threading.Event()
    (token,) = nodes.fleet.tokens(grant, caller.dpop.thumbprint, ("balances",))
    caller.line = Line(node.port)

    def read() -> None:
        with contextlib.suppress(LineBroken):
            while not over.is_set():
                caller.read("balances", token)

    with _running(read):
        yield
        over.set()


@contextmanager
def _running(act: Callable[[], None]) -> Iterator[None]:
    thread = threading.Thread(target=act)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _stop_with_fence(nodes: Nodes, node: Node, grant: str) -> None:
    """Halt a node at an instant at which it holds the fence of this grant."""
    key = Fences(nodes.fleet.services.database)._key(grant)
    halves = {"high": key >> 32, "low": key & 0xFFFF_FFFF}
    pids, deadline = node.server.workers(), time.monotonic() + _PATIENCE_S
    with nodes.fleet.services.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as asked:
        while time.monotonic() < deadline:
            if not asked.execute(_HELD, halves).scalar_one():
                continue
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            if asked.execute(_HELD, halves).scalar_one():
                return
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
    raise AssertionError("the node was never met with the fence")
