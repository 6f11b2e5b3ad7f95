"""A bank's list beyond the log's end: what was served a moment ago may wait, what is older must be there."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from broker.audit.verification.faults import Fault, Unreadable
from broker.audit.verification.served import Served

_LOG = "broker.example/audit/harbor/2026"
_FETCHED = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
_SIZE = 10


def listed(number: int, at: object) -> Served:
    line = json.dumps({"log": _LOG, "number": number, "leafHash": "x", "at": at}).encode()
    return Served.read([line], _LOG, _FETCHED)


def before(minutes: int) -> str:
    return (_FETCHED - timedelta(minutes=minutes)).isoformat()


@pytest.mark.parametrize("at", [before(9), before(-3), None])
def test_what_was_served_just_now_is_not_covered_yet(at: str | None) -> None:
    assert listed(_SIZE, at).reconciled(_LOG, _SIZE).uncovered == 1


def test_what_was_served_long_before_the_checkpoint_was_fetched_was_never_logged() -> None:
    with pytest.raises(Fault, match="served-not-logged") as caught:
        listed(_SIZE, before(11)).reconciled(_LOG, _SIZE)
    assert caught.value.number == _SIZE


@pytest.mark.parametrize("at", [5, "yesterday", "2026-11-22T12:00:00", "", {}, "9999-99-99T00:00:00Z"])
def test_a_time_that_is_none_is_refused(at: object) -> None:
    with pytest.raises(Unreadable):
        listed(1, at)
