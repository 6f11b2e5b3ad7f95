"""Rows 34 and 35: a steady load is answered and logged whole, and the processes do not grow.

`make steady` is the half hour of 150 calls a second; here are small samples of it.
"""

from pathlib import Path

import pytest

from tests.support.fleet import Fleet, running_fleet
from tests.support.planted import planted
from tests.support.sizes import Size
from tests.support.steady import MOST_GROWTH_AN_HOUR, Footprint, Steady, steady_load, wrong_in

PEOPLE = 16
_KEPT = "        appended = self.sequencer.append(entry, held_still if decision.is_allowed else (), fenced=True)\n"
_FAILING = f"{_KEPT}        if appended.number % 40 == 1:\n            raise BankUnavailable\n"


def test_a_steady_load_is_answered_and_logged_whole(fleet: Fleet, size: Size) -> None:
    per_second, seconds = size.of(test=20, campaign=50), size.of(test=4, campaign=20)
    found = steady_load(fleet, per_second, seconds, PEOPLE)
    assert found.calls >= per_second * seconds - PEOPLE
    assert wrong_in(fleet, found) == []


@pytest.mark.control
@pytest.mark.campaign
def test_a_broker_that_fails_now_and_then_is_found(tmp_path: Path) -> None:
    code = planted(tmp_path / "code", "broker/release/service.py", _KEPT, _FAILING)
    data = tmp_path / "data"
    data.mkdir()
    with running_fleet(data, code=code, workers=2) as broken:
        found = steady_load(broken, 40, 4, PEOPLE)
        assert [one for one in wrong_in(broken, found) if "failed" in one] != []


def test_what_is_not_in_the_log_is_found(fleet: Fleet) -> None:
    found = steady_load(fleet, 20, 1, 4)
    found.received.append("an-answer-that-nothing-tells-of")
    assert wrong_in(fleet, found) != []


def test_a_process_that_grows_is_found() -> None:
    """A megabyte in each ten seconds."""
    grows = [Footprint(at * 10.0, 7, (100 + at) << 20, 30, 12) for at in range(60)]
    found = Steady(seconds=600.0, footprints=grows)
    assert found.growth_bytes_an_hour()[7] > MOST_GROWTH_AN_HOUR
