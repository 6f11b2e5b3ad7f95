"""Row 1: reads race revoke, pause, resume and refresh over several processes, and every one is right.

A read is released if and only if grant and category are active at some instant within the call; the log says the same
by the order of its entries. The control plants a consent cache of 20 ms, and both checks are asked to find it.
"""

import time
from pathlib import Path

import pytest

from broker.audit.vocabulary import Event
from tests.support.contest import CATEGORIES, Contest
from tests.support.fleet import Fleet, running_fleet
from tests.support.grant_model import contradiction, released_too_late
from tests.support.planted import planted
from tests.support.sizes import Size

_UNCACHED = """        row = session.get(GrantRow, grant_id)
        return None if row is None else view(row, self._sealer, now)
"""
_CACHED = """        kept = self.__dict__.setdefault("kept", {}).get(grant_id)
        if kept is None or kept[0] < now:
            row = session.get(GrantRow, grant_id)
            kept = (now + timedelta(milliseconds=20), None if row is None else view(row, self._sealer, now))
            self.__dict__["kept"][grant_id] = kept
        return kept[1]
"""
_CONTROL_S = 60.0


def wrong_in(contest: Contest) -> list[str]:
    """Return what neither an order of the calls nor that of the log explains."""
    seen = [found for calls in contest.operations.values() if (found := contradiction(calls, CATEGORIES))]
    logged = [e for e in released_too_late(contest.fleet.log()) if e.grant_id in contest.operations]
    return [*map(str, seen), *(f"entry {e.number} releases {e.category} of {e.grant_id}" for e in logged)]


@pytest.mark.timeout(3_600)
def test_reads_that_race_revoke_pause_and_refresh_are_all_right(fleet: Fleet, size: Size) -> None:
    contest, wanted = Contest(fleet, seed=1), size.of(test=2_000, campaign=50_000, soak=1_000_000)
    while contest.count < wanted:
        contest.round()

    assert wrong_in(contest) == []
    # The race was one: reads were released and refused for every reason, acts were done and came too late.
    outcomes = {(call.kind, call.outcome) for calls in contest.operations.values() for call in calls}
    assert {("read", name) for name in ("released", "grant-paused", "category-paused", "grant-revoked")} <= outcomes
    assert {("refresh", "given"), ("refresh", "grant-revoked"), ("pause", "refused"), ("revoke", "done")} <= outcomes
    released = sum(call.outcome == "released" for calls in contest.operations.values() for call in calls)
    logged = [e for e in fleet.log() if e.event is Event.ACCESS_RELEASED and e.grant_id in contest.operations]
    assert len(logged) >= released


@pytest.mark.timeout(300)
def test_a_consent_cache_of_20_ms_is_found(tmp_path: Path) -> None:
    code = planted(tmp_path / "code", "broker/grants/reader.py", _UNCACHED, _CACHED)
    planted(code, "broker/grants/reader.py", "datetime import datetime\n", "datetime import datetime, timedelta\n")
    data = tmp_path / "data"
    data.mkdir()
    with running_fleet(data, code=code) as broken:
        contest = Contest(broken, seed=2)
        deadline = time.monotonic() + _CONTROL_S
        while not (wrong := wrong_in(contest)) and time.monotonic() < deadline:
            contest.round()
    assert wrong
