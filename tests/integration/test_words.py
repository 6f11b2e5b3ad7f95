"""Words over PostgreSQL: they hasten the worker and decide nothing. Its own looks are ten minutes apart here."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from broker.audit.vocabulary import Event
from broker.clock import system_clock
from broker.events.outbox import TaskKind, put
from broker.events.streams import Wish, create
from broker.events.vocabulary import DeliveryMethod
from broker.grants.service import Part
from tests.support.fleet import Fleet, standing_fleet
from tests.support.outside_receiver import Receiver
from tests.support.planted import planted
from tests.support.postgres import PostgresServer
from tests.support.waiting import until
from tests.support.working import Working, working

_RARELY = (
    ("broker/cli/worker.py", "_PAUSE_S = 2.0\n", "_PAUSE_S = 600.0\n"),
    ("broker/events/pushing.py", "_LOOK_S: Final = 0.5\n", "_LOOK_S: Final = 600.0\n"),
)
_DEAF = (("broker/storage/words.py", "_PAUSE_S = 2.0\n", "_PAUSE_S = 600.0\n"),)
_UNHEARD = (("broker/storage/words.py", "                if heard:\n", "                if heard and self is None:\n"),)
_SETTLED_S, _IN_VAIN_S = 1.0, 3.0
_HEADER = "Bearer receiver"
_LISTENING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"


@dataclass
class Told:
    """A worker, the receiver of a platform's events, and a way to the database beside both."""

    fleet: Fleet
    worker: Working
    receiver: Receiver
    beside: psycopg.Connection

    def listening(self) -> list[int]:
        """Return the sessions that listen."""
        return [pid for (pid,) in self.beside.execute(_LISTENING).fetchall()]

    def revokes(self) -> str:
        """Let a person approve and revoke a permission."""
        person = self.fleet.person()
        grant = self.fleet.grant(person, ("balances",))
        self.fleet.services.grants.revoke(person.actor, grant, Part())
        return grant

    def has_come(self, grant: str) -> bool:
        """Say whether the receiver was told how the grant ended."""
        events = [event for one in list(self.receiver.seen) for event in one["claims"]["events"].values()]
        return len([True for event in events if event.get("grant_id") == grant]) >= 2


@contextmanager
def told(postgres: PostgresServer, folder: Path, plants: tuple[tuple[str, str, str], ...]) -> Iterator[Told]:
    """Run a worker of a copy in which these texts are others."""
    code, url = folder / "code", postgres.new_database()
    for plant in plants:
        planted(code, *plant)
    receiver = Receiver(0, authorization=_HEADER)
    thread = threading.Thread(target=receiver.serve_forever, args=[0.01], daemon=True)
    thread.start()
    place = f"localhost:{receiver.server_address[1]}"
    try:
        with (
            standing_fleet(folder, url, (code, "broker"), BROKER_EVENTS_ALLOW=place) as fleet,
            psycopg.connect(url, autocommit=True) as beside,
        ):
            wish = Wish(DeliveryMethod.PUSH, receiver.url, _HEADER)
            now, sealer = fleet.services.clock(), fleet.services.sealer
            fleet.writes(lambda session: create(session, sealer, "messenger", wish, allowed={place}, now=now))
            with working(fleet, folder / "worker.log") as worker:
                found = Told(fleet, worker, receiver, beside)
                until(lambda: found.listening() or not worker.is_alive)
                time.sleep(_SETTLED_S)  # it has looked once since it listens
                yield found
    finally:
        receiver.shutdown()
        receiver.server_close()
        thread.join()
        postgres.drop_database(url)


def test_a_word_brings_events_and_tasks_long_before_the_worker_would_look(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    with told(postgres, tmp_path, _RARELY) as found:
        first = found.revokes()
        until(lambda: found.has_come(first))

        left = found.fleet.grant(found.fleet.person(), ("balances",), platform_id="ledgerly")
        task = {"platform_id": "ledgerly"}
        found.fleet.writes(lambda session: put(session, TaskKind.PLATFORM_END, task, system_clock()))
        until(lambda: (Event.GRANT_REVOKED, left) in {(one.event, one.grant_id) for one in found.fleet.log()})

        (before,) = found.listening()
        found.beside.execute("SELECT pg_terminate_backend(%s)", [before])
        until(lambda: found.listening() and found.listening() != [before])
        second = found.revokes()
        until(lambda: found.has_come(second))
        assert found.worker.is_alive


def test_a_worker_that_hears_nothing_looks_as_always(postgres: PostgresServer, tmp_path: Path) -> None:
    with told(postgres, tmp_path, _DEAF) as found:
        found.beside.execute(_LISTENING.replace("pid", "pg_terminate_backend(pid)", 1))
        until(lambda: not found.listening())
        grant = found.revokes()
        until(lambda: found.has_come(grant))
        assert found.listening() == []


def test_a_word_that_somebody_makes_up_does_nothing_but_wake(postgres: PostgresServer, tmp_path: Path) -> None:
    with told(postgres, tmp_path, _RARELY) as found:
        grant = found.fleet.grant(found.fleet.person(), ("balances",))
        until(lambda: found.receiver.seen)
        log, seen = len(found.fleet.log()), len(found.receiver.seen)
        for payload in ("", "revoke", grant, f'{{"event": "grant.revoked", "grant_id": "{grant}"}}', "x" * 7_000):
            for _ in range(20):
                found.beside.execute("SELECT pg_notify('broker_due', %s)", [payload])
        time.sleep(_SETTLED_S)
        assert (len(found.fleet.log()), len(found.receiver.seen)) == (log, seen)
        assert found.worker.is_alive
        assert found.worker.said() == ""


@pytest.mark.control
def test_without_words_nothing_comes_before_the_worker_looks(postgres: PostgresServer, tmp_path: Path) -> None:
    with told(postgres, tmp_path, _RARELY + _UNHEARD) as found:
        grant = found.revokes()
        time.sleep(_IN_VAIN_S)
        assert not found.has_come(grant)
