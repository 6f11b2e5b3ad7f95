"""Row 14, isolation: where transactions are undone because of others, they are run again, and nothing is done twice."""

from collections import Counter
from pathlib import Path

import pytest

from broker.audit.vocabulary import Event
from tests.reliability.test_row_08_killed_processes import unannounced_in
from tests.support.one_history import contradictions
from tests.support.overtaken import Overtaken, overtake, serializable
from tests.support.planted import planted
from tests.support.sizes import Size

_OVERTAKEN = 10
_MOST_FAILED = 0.01
_ONCE = (
    ("broker/storage/conflicts.py", "_MOST: Final = 10\n", "_MOST: Final = 1\n"),
    ("broker/edge/again.py", "_MOST = 6\n", "_MOST = 1\n"),
)


def share_of_failures(happened: Overtaken) -> float:
    """Return which share of all answers was 503."""
    acknowledged = happened.load.acknowledged
    told = len(happened.answers) + len(acknowledged.approved) + len(acknowledged.revoked)
    return happened.failures / (told + sum(happened.load.refused.values()))


def test_what_others_have_overtaken_is_run_again_and_nothing_is_done_twice(tmp_path: Path, size: Size) -> None:
    with serializable(tmp_path) as place:
        happened = overtake(place, size.of(test=15, campaign=150, soak=1_000))
        assert happened.conflicts >= _OVERTAKEN
        all_is_as_it_should_be(happened)
        assert share_of_failures(happened) <= _MOST_FAILED, (happened.failures, happened.conflicts)


@pytest.mark.control
@pytest.mark.campaign
def test_without_another_try_many_are_told_to_come_again_and_still_nothing_is_wrong(tmp_path: Path) -> None:
    code, data = tmp_path / "code", tmp_path / "data"
    data.mkdir()
    for plant in _ONCE:
        planted(code, *plant)
    with serializable(data, code) as place:
        happened = overtake(place, 15)
        all_is_as_it_should_be(happened)
        assert share_of_failures(happened) > _MOST_FAILED


def all_is_as_it_should_be(happened: Overtaken) -> None:
    """Whatever was told holds; who was told of no success is told to come again."""
    load, fleet = happened.load, happened.place.nodes.fleet
    log = fleet.log()
    assert load.acknowledged.lost_from(log) == []
    assert load.stale() == []
    assert unannounced_in(log) == []
    assert [entry.number for entry in log] == list(range(len(log)))
    receipts = [load.readers.answers[name].headers["x-broker-receipt"].encode() for name in load.readers.received]
    assert contradictions(fleet, happened.log, receipts) == []
    written = Counter((entry.event, entry.interaction_id, entry.grant_id) for entry in log)
    assert {what: count for what, count in written.items() if count > 1} == {}
    assert Event.GRANT_REVOKED in {event for event, _, _ in written}
    assert {answer.status for answer in happened.answers} <= {200, 503}
    assert all("retry-after" in answer.headers for answer in happened.answers if answer.status == 503)
    assert {code for status, code in load.refused if status == 503} <= {"log-unavailable", "storage-unavailable"}
    assert {status for status, _ in load.refused} <= {409, 503}
