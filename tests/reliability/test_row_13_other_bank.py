"""Row 13: a bank that lies does not slow the calls to another bank."""

import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.lied_to import LiedTo, Reader, lied_to, reader_of
from tests.support.lies import FORMS, WIRE
from tests.support.lying_bank import Lie, truth
from tests.support.planted import planted
from tests.support.sizes import Size

pytestmark = [pytest.mark.timeout(1_200), pytest.mark.measured]
_HAS_ROOM = "return self._in_flight < self._slots.most_to_one and self._slots.taken < self._slots.most_to_all"
_CALLERS = 12
_BLOCKS, _ROUNDS, _CALLS = 3, 3, 40
_MOST = 1.10
_LIES = {
    **{name: WIRE[name] for name in ("hangs", "drips its body", "resets at once", "sends a gigabyte in chunks")},
    **{name: FORMS[name] for name in ("is deep", "has millions of values")},
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiedTo]:
    with lied_to(tmp_path_factory.mktemp("lied-to"), workers=2) as running:
        yield running


@pytest.mark.parametrize("name", _LIES)
def test_the_other_banks_p95_grows_by_a_tenth_at_most(house: LiedTo, size: Size, name: str) -> None:
    if size.name == "test":
        pytest.skip("it measures, and takes its time: in make campaign")
    assert least_growth(house, _LIES[name]) <= _MOST


@pytest.mark.control
def test_a_broker_that_lets_a_slow_bank_hold_every_thread_is_caught(tmp_path: Path, size: Size) -> None:
    if size.name == "test":
        pytest.skip("it measures, and takes its time: in make campaign")
    breaker = "broker/outbound/breaker.py"
    code = planted(tmp_path / "code", breaker, "FAILURES_TO_OPEN: Final = 5", "FAILURES_TO_OPEN: Final = 10**9")
    planted(code, breaker, _HAS_ROOM, "return True")
    with lied_to(tmp_path / "run", code, workers=1) as careless:
        assert least_growth(careless, WIRE["hangs"], blocks=1, rounds=1) > _MOST


def least_growth(house: LiedTo, lie: Lie, *, blocks: int = _BLOCKS, rounds: int = _ROUNDS) -> float:
    """Return by what factor the other bank's p95 grows under the lie; the least of some rounds, for the noise."""
    readers = [reader_of(house.fleet, "harbor") for _ in range(_CALLERS)]
    growths = []
    for _ in range(rounds):
        honest: list[float] = []
        lied: list[float] = []
        for _ in range(blocks):
            honest += _times(house, readers, truth)
            lied += _times(house, readers, lie)
        growths.append(_p95(lied) / _p95(honest))
        if growths[-1] <= _MOST:
            break
    for reader in readers:
        reader.caller.line.close()
    return min(growths)


def _times(house: LiedTo, readers: list[Reader], lie: Lie) -> list[float]:
    """Read from the honest bank while others read from the liar; return how long each call took, in seconds."""
    ended = threading.Event()

    def reads(reader: Reader) -> None:
        while not ended.is_set():
            reader.reads("balances")
            ended.wait(0.2)

    threads = [threading.Thread(target=reads, args=(reader,)) for reader in readers]
    took = []
    with house.bank.lying(lie):
        for thread in threads:
            thread.start()
        for _ in range(_CALLS):
            began = time.monotonic()
            assert house.at_honest.reads("balances").status == 200
            took.append(time.monotonic() - began)
        ended.set()
        for thread in threads:
            thread.join()
    return took


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]
