"""Row 14, high availability: the primary is killed under load; nothing acknowledged is lost, nothing stale is released.

Three machines with quorum replication: whoever was told that something is done holds what a second machine has, too.
"""

import sys
from pathlib import Path

import pytest

from broker.audit.vocabulary import Event
from broker.events.outbox import TaskKind, put
from broker.policy.vocabulary import GrantStatus
from tests.ha.failover import BACK_WITHIN_S, Failover, Place, placed, primary_dies
from tests.support.one_history import contradictions
from tests.support.waiting import until

pytestmark = pytest.mark.ha
_REFUSED, _ENDED = 503, 401


@pytest.mark.timeout(600)
def test_a_primary_that_is_killed_under_load_takes_nothing_acknowledged_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with placed(tmp_path) as place:
        happened = primary_dies(place)
        with capsys.disabled():
            sys.stdout.write(told(happened))
        assert place.cluster.leader() is not happened.killed
        assert happened.unsent == (0, 0, 0)
        assert happened.back_after_s <= BACK_WITHIN_S
        nothing_is_lost(place, happened)
        nothing_stale_is_released(happened)
        assert happened.load.statuses() <= {200, _ENDED, _REFUSED, 409}
        the_worker_goes_on(place)

        place.cluster.comes_back(happened.killed)
        assert place.cluster.members()[happened.killed.name]["role"] == "quorum_standby"
        nothing_is_lost(place, happened)
        assert answers(happened) == {_ENDED}


def nothing_is_lost(place: Place, happened: Failover) -> None:
    """Hold what callers remember against the log, and what the log has handed out against what it is."""
    load, fleet, log = happened.load, place.fleet, place.fleet.log()
    assert load.acknowledged.lost_from(log) == []
    assert [entry.number for entry in log] == list(range(len(log)))
    receipts = [load.readers.answers[name].headers["x-broker-receipt"].encode() for name in load.readers.received]
    receipts += [receipt.encode() for receipt in fleet.banks["harbor"].receipts()]
    assert happened.kept.size > 0
    assert contradictions(fleet, happened.log, receipts, [happened.kept]) == []
    with fleet.services.database.read() as session:
        now, find = fleet.services.clock(), fleet.services.grant_reader.find
        found = {one.grant_id: find(session, one.grant_id, now) for one in [*load.approved, *load.revoked]}
    assert {found[one.grant_id].status for one in load.revoked} == {GrantStatus.REVOKED}
    assert {found[one.grant_id].status for one in load.approved} == {GrantStatus.ACTIVE}


def nothing_stale_is_released(happened: Failover) -> None:
    """Of what was revoked nothing was released while all went on, and nothing is now; also not of before the kill."""
    before = [one for one in happened.load.revoked if one.returned_ns < happened.killed_ns]
    assert before
    assert happened.load.stale() == []
    assert len([True for _, answer in happened.load.doubted if answer.called_ns > happened.killed_ns]) > len(before) / 2
    assert answers(happened) == {_ENDED}


def answers(happened: Failover) -> set[int]:
    """Read once on every grant that was revoked; return the statuses of the answers."""
    found = [happened.load.doubts(one.grant_id) for one in happened.load.revoked]
    return {0 if answer is None else answer.status for answer in found}


def the_worker_goes_on(place: Place) -> None:
    """Give the worker something to do: it lives, and does it on the new primary."""
    fleet, task = place.fleet, {"platform_id": "ledgerly"}
    left = fleet.grant(fleet.person(), ("balances",), platform_id="ledgerly")
    fleet.writes(lambda session: put(session, TaskKind.PLATFORM_END, task, fleet.services.clock()))
    until(lambda: left in revoked(place) or not place.worker.is_alive, 60)
    assert place.worker.is_alive, place.worker.said()


def revoked(place: Place) -> set[str | None]:
    return {entry.grant_id for entry in place.fleet.log() if entry.event is Event.GRANT_REVOKED}


def told(happened: Failover) -> str:
    """Put what happened into a few figures."""
    load, done = happened.load, happened.load.acknowledged
    return (
        f"\n{happened.killed.name} killed; all told as done again after {happened.back_after_s:.1f} s. Acknowledged: "
        f"{len(done.released)} releases, {len(done.approved)} approvals, {len(done.revoked)} revocations; "
        f"{sum(load.refused.values())} acts refused, {load.silent + load.readers.broken} without an answer, "
        f"{len(load.doubted)} reads on what was revoked\n"
    )
