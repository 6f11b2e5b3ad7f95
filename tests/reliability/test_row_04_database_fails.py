"""Rows 4 and 14: a database that is gone, read-only, locked or restarted: 503, nothing half done, back by itself."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import database_faults as faults
from tests.support.database_faults import WITHOUT_PRIVILEGE, Fault, Place, flapping
from tests.support.failing_postgres import failing_postgres
from tests.support.fleet import running_fleet
from tests.support.household import Household
from tests.support.planted import planted
from tests.support.sizes import Size
from tests.support.wire import LineBroken, message

pytestmark = pytest.mark.timeout(1_200)
_BACK_WITHIN_S = 10.0
_ROUNDS = 10


@dataclass(frozen=True, slots=True)
class Struck:
    """One fault: can pages still be read under it, is it too slow for every test run, what does /readyz answer."""

    fault: Fault
    pages: bool = False
    slow: bool = False
    ready: int = 503


ON_FILE = {
    "moved away": Struck(faults.moved_away),
    "not writable": Struck(faults.not_writable),
    "gone while workers die": Struck(faults.away_while_workers_die),
    "locked by another program": Struck(faults.locked_file, pages=True, slow=True, ready=200),
}
ON_SERVER = {
    "stopped": Struck(faults.stopped),
    "killed": Struck(faults.killed),
    "read-only": Struck(faults.read_only, pages=True),
    "locked by another program": Struck(faults.locked_tables, pages=True, slow=True, ready=200),
    "without a free session": Struck(faults.full_of_sessions, slow=True),
    "gone while workers die": Struck(faults.away_while_workers_die, slow=True),
}


@pytest.fixture(scope="module")
def file_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    prefix = WITHOUT_PRIVILEGE if os.geteuid() == 0 else ()
    with running_fleet(tmp_path_factory.mktemp("file"), workers=2, prefix=prefix) as fleet:
        yield Place(fleet, None)


@pytest.fixture(scope="module")
def server_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with failing_postgres() as server:
        url = server.new_database()
        with running_fleet(tmp_path_factory.mktemp("server"), url, workers=2) as fleet:
            yield Place(fleet, server)


@pytest.mark.parametrize("name", ON_FILE)
def test_a_file_that_fails_leaves_nothing_half_done(file_place: Place, size: Size, name: str) -> None:
    assert "\n".join(wrongs(file_place, ON_FILE[name], size)) == ""


@pytest.mark.parametrize("name", ON_SERVER)
def test_a_server_that_fails_leaves_nothing_half_done(server_place: Place, size: Size, name: str) -> None:
    assert "\n".join(wrongs(server_place, ON_SERVER[name], size)) == ""


@pytest.mark.parametrize("place", ["file_place", "server_place"])
def test_a_revocation_that_is_told_as_done_is_done_however_the_database_flaps(
    request: pytest.FixtureRequest, size: Size, place: str
) -> None:
    told, undone, _ = revoked_while_flapping(request.getfixturevalue(place), size.of(test=20, campaign=1_000))
    assert told > 0
    assert undone == []


@pytest.mark.control
@pytest.mark.campaign
def test_a_broker_that_tells_a_revocation_as_done_before_it_is_durable_is_caught(tmp_path: Path) -> None:
    page = "broker/web/stopping.py"
    code = planted(
        tmp_path / "code", page, "raise type(error)(str(_NOT_DONE), code=error.code) from error", "return ()"
    )
    (tmp_path / "run").mkdir()
    with running_fleet(tmp_path / "run", code=code, workers=1) as fleet:
        # Whether the database is away in the one instant that matters is chance.
        rounds = (revoked_while_flapping(Place(fleet, None), 20)[1] for _ in range(_ROUNDS))
        assert any(rounds)


def wrongs(place: Place, struck: Struck, size: Size) -> list[str]:
    """Let the fault strike, try everything, let it end; name whatever is not as it must be."""
    if struck.slow and size.name == "test":
        pytest.skip("it has to wait for the locks' ten seconds: in make campaign")
    home = Household.in_order(place.fleet)
    with struck.fault(place):
        found = list(home.wrongs_while_away(pages=struck.pages, ready=struck.ready))
    ended = time.monotonic()
    ready = message("GET", "/readyz", {})
    while time.monotonic() - ended < 2 * _BACK_WITHIN_S and home.caller.line.call(ready).status != 200:
        time.sleep(0.05)
    took_s = time.monotonic() - ended
    found += [] if took_s < _BACK_WITHIN_S else [f"it came back after {took_s:.1f} s"]
    found += home.wrongs_afterwards()
    home.close()
    return found


def revoked_while_flapping(place: Place, count: int) -> tuple[int, list[str], int]:
    """Revoke so many grants once each; return how many were told as done, which of those are not, and the refused."""
    fleet = place.fleet
    person = fleet.person()
    grants = [fleet.grant(person, ("balances",)) for _ in range(count)]
    sharer, told, refused = fleet.sharer(person), [], 0
    if place.postgres is not None:
        place.server.ends_sessions(fleet.services.settings.database_url)
    begun = time.monotonic()
    for _ in range(2):  # the first may meet a session that has ended, the second opens new ones
        sharer.acts("revoke", fleet.grant(person, ("balances",)))
    # Long enough that some revocations fit in between, on a slow machine too.
    with flapping(place, max(0.05, 3 * (time.monotonic() - begun))):
        for grant_id in grants:
            try:
                status = sharer.acts("revoke", grant_id).status
            except LineBroken:
                continue
            assert status in {303, 503}, status
            told += [grant_id] if status == 303 else []
            refused += status == 503
    sharer.line.close()
    revoked = {entry.grant_id for entry in fleet.log() if entry.event.value == "grant.revoked"}
    return len(told), [grant_id for grant_id in told if grant_id not in revoked], refused
