"""Row 6 over real processes: the clock steps under a running server of several workers.

The served copy reads an offset from a file in `broker/clock.py`, the only place of the product that reads the time.
"""

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from broker.clock import system_clock
from broker.storage.single_use import forget_expired
from tests.support.caller import PATHS, Caller
from tests.support.fleet import Fleet, running_fleet
from tests.support.planted import planted
from tests.support.sizes import Size

pytestmark = pytest.mark.timeout(1_200)
_STEPS_S = (-60, -30, -10, -1, 0, 1, 10, 30, 59, 60, 61, 119, 120, 121, 180, 240, 299, 300)
_SEED = 20_261_122
_PROOFS = 20


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    path = tmp_path / "offset"
    path.write_text("+0")
    return path


@pytest.fixture
def fleet(tmp_path: Path, steps: Path, size: Size) -> Iterator[Fleet]:
    if size.name == "test":
        pytest.skip("in make campaign; the same steps inside one process are in make test")
    clock, now = "broker/clock.py", "return datetime.now(UTC)"
    moved = f"{now} + timedelta(seconds=float(open({str(steps)!r}).read() or 0))"
    code = planted(tmp_path / "code", clock, now, moved)
    with running_fleet(tmp_path, code=code, workers=2) as running:
        yield running


def test_no_replay_gets_through_when_the_servers_clock_steps(fleet: Fleet, steps: Path, size: Size) -> None:
    chance, caller = random.Random(_SEED), fleet.caller()
    grant_id, tried = fleet.grant(fleet.person()), 0
    accepted = []
    while tried < size.of(test=0, campaign=2_000):
        _step(fleet, steps, 0)
        (token,) = fleet.tokens(grant_id, caller.dpop.thumbprint)
        used = [caller.dpop.proof("GET", fleet.base_url + PATHS["balances"], token) for _ in range(_PROOFS)]
        assert [_status(caller, token, proof) for proof in used] == [200] * _PROOFS
        for offset in (*chance.sample(_STEPS_S, 4), 0):
            _step(fleet, steps, offset)
            accepted += [offset for proof in used if _status(caller, token, proof) == 200]
            tried += _PROOFS
    caller.line.close()
    assert accepted == []


def test_a_server_whose_clock_is_off_by_less_than_ten_seconds_refuses_nobody(fleet: Fleet, steps: Path) -> None:
    caller = fleet.caller()
    (token,) = fleet.tokens(fleet.grant(fleet.person()), caller.dpop.thumbprint)
    refused = []
    for off_s in (-9, -5, -1, 0, 1, 5, 9):
        _step(fleet, steps, off_s)
        refused += [off_s for _ in range(20) if caller.read("balances", token).status != 200]
    caller.line.close()
    assert refused == []


def _step(fleet: Fleet, steps: Path, offset_s: int) -> None:
    """Let the server's clock be off by so much, and its worker forget what is old by that clock."""
    steps.write_text(f"{offset_s:+d}")
    fleet.writes(lambda session: forget_expired(session, system_clock() + timedelta(seconds=offset_s)))


def _status(caller: Caller, token: str, proof: str) -> int:
    return caller.line.call(caller.reading(PATHS["balances"], token, proof=proof)).status
