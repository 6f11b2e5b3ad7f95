"""The story of a primary that dies under load, as both tests tell it: with quorum replication, and without."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from broker.audit import published
from broker.audit.verification.heads import Trust, opened
from broker.tlog.checkpoint import Checkpoint
from tests.ha.cluster import Cluster, running_cluster
from tests.ha.node import Node
from tests.support.fleet import Fleet, running_fleet
from tests.support.load import Load, under_load, until_done
from tests.support.one_history import log_of
from tests.support.working import Working, working

BACK_WITHIN_S = 30.0
_WARM, _AFTER = 20, 10
_PATIENCE_S = 90.0
_UNSENT_S = 0.5


@dataclass
class Place:
    """A broker with its worker on three machines of a database."""

    cluster: Cluster
    fleet: Fleet
    worker: Working


@dataclass
class Failover:
    """What happened: who was killed and when, what callers were told, and the head of the log just before."""

    load: Load
    killed: Node
    killed_ns: int
    kept: Checkpoint
    log: str
    unsent: tuple[int, int, int]
    """How many releases, approvals and revocations were told as done of which the other machines knew nothing."""

    @property
    def back_after_s(self) -> float:
        """Return how long nothing was told as done, of the kind that took longest."""
        return self.load.back_after_s(self.killed_ns)


@contextmanager
def placed(folder: Path, **rules: object) -> Iterator[Place]:
    """Start three machines, a broker of two processes and a worker."""
    with running_cluster(**rules) as cluster:
        url = cluster.new_database("broker")
        with running_fleet(folder, url, workers=2) as fleet, working(fleet, folder / "worker.log") as worker:
            yield Place(cluster, fleet, worker)


def primary_dies(place: Place) -> Failover:
    """Kill the primary's machine under load, and let everybody go on until all is told as done again.

    In the last moments of its life nothing that it writes reaches the other machines. With quorum replication nobody
    is told of it; without, we wait until somebody is.
    """
    fleet, leader = place.fleet, place.cluster.leader()
    with under_load(fleet) as load:
        until_done(load, 0, _WARM, _PATIENCE_S)
        log = log_of(fleet)
        kept = _head_of(fleet, log)
        assert leader.hold_senders() >= len(place.cluster.nodes) - 1
        held_ns = time.monotonic_ns()
        if place.cluster.kept_elsewhere:
            time.sleep(_UNSENT_S)
        else:
            until_done(load, held_ns, 1, _PATIENCE_S)
        unsent = load.done_since(held_ns)
        killed_ns = time.monotonic_ns()
        leader.kill()
        until_done(load, killed_ns, _AFTER, _PATIENCE_S)
    return Failover(load, leader, killed_ns, kept, log, unsent)


def _head_of(fleet: Fleet, log: str) -> Checkpoint:
    with fleet.services.database.read() as session:
        return opened(published.tip(session, log).body, Trust.of(fleet.services.log_keys.vkeys(log)), log).checkpoint
