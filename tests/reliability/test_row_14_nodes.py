"""Row 14, nodes: of three nodes on one PostgreSQL behind one address one is killed, and nothing is lost."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from broker.audit.vocabulary import Event
from broker.policy.vocabulary import GrantStatus
from tests.reliability.test_row_08_killed_processes import unannounced_in
from tests.support.fleet import ROOT
from tests.support.load import MACHINES
from tests.support.nodes import Nodes, running_nodes
from tests.support.one_dies import OneDied, one_dies
from tests.support.one_history import contradictions
from tests.support.postgres import PostgresServer
from tests.support.sizes import Size

_FREED_S = 2.0
_DONE, _ENDED, _DONE_BEFORE = 303, 401, 409
_LINES = MACHINES + 3  # of the load: the readers, who approves, who revokes, who doubts


@contextmanager
def placed(postgres: PostgresServer, folder: Path, code: Path = ROOT) -> Iterator[Nodes]:
    """Start three nodes on a database of their own."""
    url = postgres.new_database()
    try:
        with running_nodes(folder, url, code=code) as nodes:
            yield nodes
    finally:
        postgres.drop_database(url)


def test_one_of_three_nodes_is_killed_under_load_and_nothing_is_lost(
    postgres: PostgresServer, tmp_path: Path, size: Size
) -> None:
    after = size.of(test=5, campaign=50, soak=300)
    for number in range(size.of(test=1, campaign=4)):
        folder = tmp_path / str(number)
        folder.mkdir()
        with placed(postgres, folder) as nodes:
            happened = one_dies(nodes, warm=5, after=after, count=10 * after)
            nothing_is_lost(happened)
            nothing_stale_is_released(happened)
            each_proof_was_good_for_one(happened)
            the_others_went_on(happened)
            assert happened.freed_after_s <= _FREED_S


def nothing_is_lost(happened: OneDied) -> None:
    """Hold what callers remember against the log, and what the log has handed out against what it is."""
    load, fleet = happened.load, happened.nodes.fleet
    log = fleet.log()
    assert load.acknowledged.lost_from(log) == []
    assert unannounced_in(log) == []
    assert [entry.number for entry in log] == list(range(len(log)))
    receipts = [load.readers.answers[name].headers["x-broker-receipt"].encode() for name in load.readers.received]
    assert contradictions(fleet, happened.log, receipts) == []
    with fleet.services.database.read() as session:
        now, find = fleet.services.clock(), fleet.services.grant_reader.find
        found = {one.grant_id: find(session, one.grant_id, now) for one in [*load.approved, *load.revoked]}
    assert {found[one.grant_id].status for one in load.revoked} == {GrantStatus.REVOKED}
    assert {found[one.grant_id].status for one in load.approved} == {GrantStatus.ACTIVE}


def nothing_stale_is_released(happened: OneDied) -> None:
    """Of what was revoked nothing was released after it, by callers' clocks and by the log's order."""
    load = happened.load
    assert load.stale() == []
    assert {answer.status for one in load.revoked if (answer := load.doubts(one.grant_id))} == {_ENDED}
    assert happened.stopped.status == _DONE
    assert released_after_revoked(happened) == []


def released_after_revoked(happened: OneDied) -> list[str | None]:
    """Return the grants of which the log holds a release after their revocation."""
    ended: set[str | None] = set()
    found = []
    for entry in happened.nodes.fleet.log():
        if entry.event is Event.GRANT_REVOKED:
            ended.add(entry.grant_id)
        elif entry.event is Event.ACCESS_RELEASED and entry.grant_id in ended:
            found.append(entry.grant_id)
    return found


def each_proof_was_good_for_one(happened: OneDied) -> None:
    """Of several nodes that were shown one proof at once, one at most took it; and none takes it now."""
    repeated = happened.repeated
    assert max(repeated.won.values()) == 1
    assert sum(repeated.won.values()) >= len(repeated.requests) - 1 - len(happened.nodes.nodes)
    before = repeated.won.total()
    for request in list(repeated.requests):
        repeated.send(happened.nodes.fleet.port, request)
    assert repeated.won.total() == before


def the_others_went_on(happened: OneDied) -> None:
    """Whoever was connected to the killed node lost that connection once; nobody was told of any failure."""
    load, front = happened.load, happened.nodes.front
    assert {(answer.status, answer.code) for answer in load.readers.answers.values()} == {(200, "")}
    assert load.readers.broken + load.silent <= _LINES
    assert {status for status, _ in load.refused} <= {_DONE_BEFORE}
    assert sorted(front.served) == sorted(front.nodes)
    assert front.in_service == set(front.nodes) - {happened.killed.port}
