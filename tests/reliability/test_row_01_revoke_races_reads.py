"""Row 1: reads race revoke, pause, resume and refresh over several processes, and every one is right.

A read is released if and only if grant and category are active at some instant within the call; the log says the same
by the order of its entries. The control plants a consent cache of 20 ms, and both checks are asked to find it.
"""

from pathlib import Path

import pytest

from broker.audit.vocabulary import Event
from tests.support.contest import CATEGORIES, Contest
from tests.support.fleet import Fleet, running_fleet
from tests.support.grant_model import contradiction, released_too_late
from tests.support.planted import planted
from tests.support.sizes import Size

_UNCACHED = """        off = switches_of(parts["switches"])
        return view(row, categories, accounts, self._sealer, now, switches=off)
"""
_CACHED = """        kept = self.__dict__.setdefault("kept", {}).get(grant_id)
        if kept is None or kept[0] < now:
            off = switches_of(parts["switches"])
            seen = view(row, categories, accounts, self._sealer, now, switches=off)
            kept = (now + timedelta(milliseconds=20), seen)
            self.__dict__["kept"][grant_id] = kept
        return kept[1]
"""
_READER, _SERVICE = "broker/grants/reader.py", "broker/release/service.py"
_CACHE = (
    (_READER, _UNCACHED, _CACHED),
    (_READER, "from datetime import datetime\n", "from datetime import datetime, timedelta\n"),
)
_UNCONDITIONAL = (
    _SERVICE,
    "self.sequencer.append(entry, held_still if decision.is_allowed else (), fenced=True)",
    "self.sequencer.append(entry, fenced=True)",
)
_CONTROL_ROUNDS = 80


def wrong_in(contest: Contest) -> list[str]:
    """Return what neither an order of the calls nor that of the log explains."""
    seen = [found for calls in contest.operations.values() if (found := contradiction(calls, CATEGORIES))]
    logged = [e for e in released_too_late(contest.fleet.log()) if e.grant_id in contest.operations]
    return [*map(str, seen), *(f"entry {e.number} releases {e.category} of {e.grant_id}" for e in logged)]


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


def caught_in(folder: Path, *plants: tuple[str, str, str], word: str = "") -> list[str]:
    """Race against a copy with these faults until something with this word is wrong, for so many rounds at most."""
    code = folder / "code"
    for plant in plants:
        planted(code, *plant)
    data = folder / "data"
    data.mkdir()
    with running_fleet(data, code=code) as broken:
        contest, wrong = Contest(broken, seed=2), list[str]()
        for _ in range(_CONTROL_ROUNDS):
            contest.round()
            wrong = wrong_in(contest)
            if any(word in found for found in wrong):
                break
    return wrong


@pytest.mark.control
def test_a_consent_cache_of_20_ms_is_found(tmp_path: Path) -> None:
    assert caught_in(tmp_path, *_CACHE)


@pytest.mark.control
@pytest.mark.campaign
def test_a_consent_cache_is_found_in_the_log_too_when_nothing_holds_the_release_back(tmp_path: Path) -> None:
    wrong = caught_in(tmp_path, *_CACHE, _UNCONDITIONAL, word="releases")
    assert any("releases" in found for found in wrong), wrong
