"""Row 11: on a full disk nothing is released, and sharing can still be taken back; all goes on when there is room."""

import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from broker.audit.vocabulary import Event
from broker.policy.vocabulary import GrantStatus
from tests.support.fleet import ROOT, Fleet, running_fleet
from tests.support.household import Household
from tests.support.planted import planted
from tests.support.sizes import Size
from tests.support.small_disk import SmallDisk, small_disk
from tests.support.wire import message

pytestmark = pytest.mark.timeout(1_200)
_BACK_WITHIN_S = 10.0
_READY = message("GET", "/readyz", {})


@contextmanager
def on_small_disk(folder: Path, megabytes: int, code: Path = ROOT) -> Iterator[tuple[Fleet, SmallDisk]]:
    run = folder / "run"
    run.mkdir()
    with small_disk(folder / "disk", megabytes) as disk:
        url = f"sqlite:///{disk.path / 'broker.db'}"
        with running_fleet(run, url, code=code, workers=2) as fleet:
            yield fleet, disk


def test_a_full_disk_releases_nothing_and_lets_people_stop_sharing(tmp_path: Path, size: Size) -> None:
    with on_small_disk(tmp_path, size.of(test=8, campaign=32)) as (fleet, disk):
        assert "\n".join(wrongs(fleet, disk, size.of(test=40, campaign=300))) == ""


@pytest.mark.control
@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        pytest.param(
            "broker/grants/service.py",
            "takes_back = state is not ClusterState.ACTIVE",
            "takes_back = False",
            id="for nobody",
        ),
        pytest.param(
            "broker/storage/engine.py", "self._reserve.keep()", "self._reserve.give_back()", id="for everybody"
        ),
    ],
)
def test_a_reserve_that_is_kept_for_the_wrong_ones_is_caught(
    tmp_path: Path, size: Size, file: str, old: str, new: str
) -> None:
    if size.name == "test":
        pytest.skip("in make campaign")
    code = planted(tmp_path / "code", file, old, new)
    with on_small_disk(tmp_path, 8, code) as (fleet, disk):
        assert list(wrongs(fleet, disk, 40)) != []


def wrongs(fleet: Fleet, disk: SmallDisk, people: int) -> Iterator[str]:
    """Fill the disk under so many people with live grants, and name what is not as it must be, then and afterwards."""
    homes = [Household.in_order(fleet) for _ in range(people)]
    first = homes[0]
    if first.reads().status != 200:
        yield "nothing is released while there is room"
    reserve = disk.path / "broker.db.reserve"
    whole = reserve.stat().st_size if reserve.exists() else 0
    _empty_write_ahead_log(disk)
    disk.fills()
    yield from _refused(fleet, homes, "before anybody stops")
    for number, home in enumerate(homes):
        got = home.revokes() if number % 4 else home.sharer.acts("pause", home.grant_id, "balances")
        if got.status != 303:
            yield f"act {number}: {got.status} {got.body[-600:]!r}"
    yield from _refused(fleet, homes, "after everybody has stopped")
    for number, home in enumerate(homes):
        if number % 4 and home.status() is not GrantStatus.REVOKED:
            yield f"grant {number} is {home.status()}"
    if first.caller.line.call(_READY).status != 503:
        yield "the broker says that it is ready"
    disk.empties()
    yield from _back(first, homes[1])
    again = reserve.stat().st_size if reserve.exists() else 0
    if whole == 0 or again != whole:
        yield f"the reserve is {again} bytes, and was {whole}"
    for home in homes:
        home.close()


def _empty_write_ahead_log(disk: SmallDisk) -> None:
    """Leave no room in the write-ahead log, which would take a few hundred entries more on a full disk."""
    with closing(sqlite3.connect(disk.path / "broker.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _refused(fleet: Fleet, homes: list[Household], when: str) -> Iterator[str]:
    called = []
    for home in homes[:10]:
        called.append(str(uuid.uuid4()))
        got = home.caller.read("card_locations", home.token, called[-1])
        if got.status != 503 or got.code not in {"log-unavailable", "storage-unavailable"}:
            yield f"a reading {when}: {got.status} {got.body[:200]!r}"
    if any(entry.event is Event.ACCESS_RELEASED for entry in fleet.log() if entry.interaction_id in called):
        yield f"something was released {when}"


def _back(first: Household, revoked: Household) -> Iterator[str]:
    emptied = time.monotonic()
    while first.caller.line.call(_READY).status != 200 and time.monotonic() - emptied < _BACK_WITHIN_S:
        time.sleep(0.05)
    if (status := first.caller.read("card_locations", first.token).status) != 200:
        yield f"a reading when there is room again: {status}"
    if (status := revoked.reads().status) != 401:
        yield f"a reading of a revoked grant when there is room again: {status}"
