"""The clock of a sandbox: ahead of the real time by what its file says, never behind, and of no effect elsewhere."""

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broker.errors import ConfigurationInvalid, InvalidRequest, StorageUnavailable
from broker.settings import Mode
from broker.storage.clock_file import AdvancedClock, advance, advanced_by, clock_file, own_clock
from tests.support.sandbox_settings import sandbox_settings

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return clock_file(tmp_path)


def noon() -> datetime:
    return NOON


def test_a_clock_that_was_never_advanced_tells_the_real_time(path: Path) -> None:
    assert AdvancedClock(path, noon)() == NOON


def test_two_clocks_see_an_advance_with_their_next_call(path: Path) -> None:
    clocks = [AdvancedClock(path, noon), AdvancedClock(path, noon)]
    assert advance(path, 30 * DAY) == 30 * DAY
    assert [clock() for clock in clocks] == [NOON + 30 * DAY] * 2
    assert advance(path, timedelta(minutes=90)) == timedelta(days=30, minutes=90)
    assert [clock() for clock in clocks] == [NOON + timedelta(days=30, minutes=90)] * 2
    assert AdvancedClock(path, noon)() == NOON + timedelta(days=30, minutes=90)


@pytest.mark.parametrize("by", [timedelta(), -DAY, timedelta(seconds=59), timedelta(days=3661)])
def test_the_clock_goes_forward_only_and_not_without_end(path: Path, by: timedelta) -> None:
    advance(path, DAY)
    with pytest.raises(InvalidRequest):
        advance(path, by)
    assert advanced_by(path) == DAY


def test_advances_at_the_same_time_all_count(path: Path) -> None:
    workers = [threading.Thread(target=advance, args=(path, DAY)) for _ in range(12)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert advanced_by(path) == 12 * DAY


DAMAGE = {
    "empty": "",
    "no-json": "{",
    "a-list": "[1]",
    "a-text": '{"advanced_seconds": "1"}',
    "a-fraction": '{"advanced_seconds": 1.5}',
    "true": '{"advanced_seconds": true}',
    "negative": '{"advanced_seconds": -1}',
    "too-far": json.dumps({"advanced_seconds": 3661 * 86400}),
    "infinite": '{"advanced_seconds": Infinity}',
    "one-more-member": '{"advanced_seconds": 1, "x": 1}',
    "long": '{"advanced_seconds": 1}' + " " * 500,
    "deep": "[" * 199,
    "not-ascii": '{"advanced_seconds": 1}\u00e9',
}


@pytest.mark.parametrize("content", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_stops_the_start_in_one_sentence(path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationInvalid) as refusal:
        AdvancedClock(path, noon)
    assert str(path) in refusal.value.detail
    with pytest.raises(ConfigurationInvalid):
        advance(path, DAY)


def test_a_file_that_is_damaged_put_back_or_lost_while_the_clock_runs_stops_the_time_until_it_is_mended(
    path: Path,
) -> None:
    advance(path, 30 * DAY)
    clock = AdvancedClock(path, noon)
    good = path.read_text(encoding="ascii")
    for content in ("{", '{"advanced_seconds": 60}', '{"advanced_seconds": 0}'):
        path.write_text(content, encoding="ascii")
        for _ in range(2):
            with pytest.raises(StorageUnavailable):
                clock()
    path.unlink()
    with pytest.raises(StorageUnavailable):
        clock()
    path.write_text(good, encoding="ascii")
    assert clock() == NOON + 30 * DAY


def test_in_production_the_file_has_no_effect(tmp_path: Path) -> None:
    path = clock_file(tmp_path)
    advance(path, 30 * DAY)
    sandbox = sandbox_settings(tmp_path)
    assert own_clock(sandbox, noon)() == NOON + 30 * DAY
    assert own_clock(replace(sandbox, mode=Mode.PRODUCTION), noon)() == NOON
    path.write_text("damaged", encoding="ascii")
    assert own_clock(replace(sandbox, mode=Mode.PRODUCTION), noon)() == NOON
