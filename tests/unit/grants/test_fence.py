"""The fence of a grant: held together or alone, by one turn after another, and never longer than its holder lives."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from broker.errors import StorageUnavailable
from broker.grants.fence import Fences
from broker.storage.engine import Database
from tests.support.race import contender
from tests.support.stores import SqliteStore, Store
from tests.support.waiting import until


@pytest.fixture
def open_fences(store: Store) -> Iterator[Callable[[float], Fences]]:
    """Open fences of this database that wait for so many seconds; they are closed in the end."""
    database, opened = Database(store.url), []

    def opens(wait_s: float) -> Fences:
        opened.append(Fences(database, wait_s=wait_s, connections=2))
        return opened[-1]

    yield opens
    for fences in opened:
        fences.close()
        fences.close()


@pytest.fixture
def fences(open_fences: Callable[[float], Fences]) -> Fences:
    return open_fences(20)


@pytest.fixture
def hasty(open_fences: Callable[[float], Fences]) -> Fences:
    return open_fences(0.05)


def waiting(store: Store) -> int:
    """Count who waits for a fence, or has waited and holds it alone."""
    if isinstance(store, SqliteStore):
        open_files = [str(path.resolve()) for path in Path("/proc/self/fd").iterdir()]
        return sum(path.startswith(str(store.path.parent)) and path.endswith(".turnstile") for path in open_files)
    # Other tests have databases of their own on the same server.
    here = "locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    return int(store.rows(f"SELECT count(*) FROM pg_locks WHERE {here} AND NOT granted")[0][0])  # noqa: S608 - ours


def is_free(hasty: Fences, *grants: str) -> bool:
    try:
        hasty.exclusive(grants or ("g",)).drop()
    except StorageUnavailable:
        return False
    return True


def test_releases_of_one_grant_share_its_fence(hasty: Fences) -> None:
    with hasty.shared("g"), hasty.shared("g"):
        assert not is_free(hasty)
    assert is_free(hasty)


def test_who_is_alone_stops_everybody_else(hasty: Fences) -> None:
    with hasty.exclusive(["g"]):
        with pytest.raises(StorageUnavailable):
            hasty.shared("g")
        assert not is_free(hasty)
    hasty.shared("g").drop()


def test_grants_and_kinds_do_not_wait_for_each_other(hasty: Fences, store: Store) -> None:
    other = Fences(Database(store.url), "renewals", wait_s=0.05)
    with hasty.exclusive(["g"]):
        hasty.exclusive(["another"]).drop()
        other.exclusive(["g"]).drop()
    other.close()


def test_a_revocation_waits_for_a_release_and_stops_the_next_one(fences: Fences, store: Store) -> None:
    order: list[str] = []

    def passes(name: str) -> None:
        with fences.exclusive(["g"]) if name == "revocation" else fences.shared("g"):
            order.append(name)

    with ThreadPoolExecutor(2) as pool:
        with fences.shared("g"):
            turns = [pool.submit(passes, "revocation")]
            until(lambda: waiting(store) == 1)
            turns.append(pool.submit(passes, "next release"))
            until(lambda: waiting(store) == 2)
            order.append("release")
        for turn in turns:
            turn.result()
    assert order == ["release", "revocation", "next release"]


def test_a_stream_of_releases_cannot_starve_a_revocation(fences: Fences) -> None:
    started, stop = [Event() for _ in range(4)], Event()

    def streams(begun: Event) -> int:
        count = 0
        while not stop.is_set():
            with fences.shared("g"):
                begun.set()
                count += 1
        return count

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(streams, begun) for begun in started]
        try:
            assert all(begun.wait(20) for begun in started)
            for _ in range(5):
                fences.exclusive(["g"]).drop()
        finally:
            stop.set()
        assert all(reader.result() for reader in readers)


def test_who_gives_up_leaves_nothing_locked(hasty: Fences) -> None:
    with hasty.shared("g2"), pytest.raises(StorageUnavailable):
        hasty.exclusive(["g1", "g2", "g3"])
    with hasty.exclusive(["g1", "g2", "g3"]), pytest.raises(StorageUnavailable):
        hasty.shared("g2")
    assert is_free(hasty, "g1", "g2", "g3")
    hasty.shared("g1").drop()


def test_many_grants_in_opposite_orders_never_wait_in_a_circle(fences: Fences) -> None:
    names = ["a", "b", "c"]

    def takes(number: int) -> None:
        for turn in range(10):
            with fences.exclusive(names if (number + turn) % 2 else names[::-1]):
                pass
            fences.shared(names[turn % 3]).drop()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(takes, range(3)))


def test_a_killed_process_frees_its_fences(hasty: Fences, store: Store) -> None:
    holder = contender("fence", store.url, 1, 1)
    assert holder.stdin is not None
    assert holder.stdout is not None
    with holder.stdin, holder.stdout:
        holder.stdin.write("go\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == "held\n"
        assert not is_free(hasty)
        holder.kill()
        holder.wait(20)
    until(lambda: is_free(hasty))


def test_a_hold_is_dropped_once_whoever_drops_it_again(hasty: Fences) -> None:
    first = hasty.exclusive(["g"])
    first.drop()
    with hasty.exclusive(["g"]):
        first.drop()
        assert not is_free(hasty)


def test_a_forgotten_hold_is_dropped(hasty: Fences) -> None:
    hasty.shared("g")
    assert is_free(hasty)


def test_fences_that_were_closed_open_again(hasty: Fences) -> None:
    hasty.shared("g").drop()
    hasty.close()
    assert is_free(hasty)
