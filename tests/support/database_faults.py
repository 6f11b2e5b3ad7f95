"""What can happen to the database under a running broker: each a context in which it is so, and mended afterwards."""

import contextlib
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.support.failing_postgres import FailingPostgres
from tests.support.fleet import Fleet

_RESPAWN_S = 10.0
WITHOUT_PRIVILEGE = ("sh", "-c", 'setpriv --bounding-set=-dac_override,-dac_read_search "$@"; exit $?', "sh")
"""Runs a command as a user whom the permissions of files bind, even when that user is root."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the fleet's database is: a file, or a server that is the test's own."""

    fleet: Fleet
    postgres: FailingPostgres | None

    @property
    def file(self) -> Path:
        return self.fleet.services.settings.data_dir / "broker.db"

    @property
    def server(self) -> FailingPostgres:
        assert self.postgres is not None
        return self.postgres


Fault = Callable[[Place], contextlib.AbstractContextManager[None]]


@contextlib.contextmanager
def moved_away(place: Place) -> Iterator[None]:
    away = place.file.with_name("elsewhere.db")
    place.file.rename(away)
    try:
        yield
    finally:
        away.rename(place.file)


@contextlib.contextmanager
def not_writable(place: Place) -> Iterator[None]:
    """Take the right to write away, and let the workers be new ones: whoever has the file open may go on."""
    files = [path for path in place.file.parent.glob("broker.db*") if path.suffix != ".reserve"]
    modes = [path.stat().st_mode & 0o777 for path in files]
    for path in files:
        path.chmod(0o444)
    try:
        new_workers(place.fleet)
        yield
    finally:
        for path, mode in zip(files, modes, strict=True):
            if path.exists():
                path.chmod(mode)


@contextlib.contextmanager
def locked_file(place: Place) -> Iterator[None]:
    connection = sqlite3.connect(place.file, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@contextlib.contextmanager
def stopped(place: Place) -> Iterator[None]:
    place.server.stop()
    try:
        yield
    finally:
        place.server.start()


@contextlib.contextmanager
def killed(place: Place) -> Iterator[None]:
    place.server.kill()
    try:
        yield
    finally:
        place.server.start()


@contextlib.contextmanager
def read_only(place: Place) -> Iterator[None]:
    place.server.sets("default_transaction_read_only", "on")
    try:
        yield
    finally:
        place.server.sets("default_transaction_read_only", None)


@contextlib.contextmanager
def locked_tables(place: Place) -> Iterator[None]:
    url = place.fleet.services.settings.database_url
    with psycopg.connect(url) as connection:
        connection.execute(b"LOCK TABLE audit_logs, web_sessions, single_use IN EXCLUSIVE MODE")
        yield
        connection.rollback()


@contextlib.contextmanager
def full_of_sessions(place: Place) -> Iterator[None]:
    """Take every session that the server allows, after the broker's own have been cut."""
    url, held = place.fleet.services.settings.database_url, []
    place.server.ends_sessions(url)
    try:
        while True:
            held.append(psycopg.connect(url))
    except psycopg.OperationalError:
        pass
    try:
        yield
    finally:
        for connection in held:
            connection.close()


@contextlib.contextmanager
def away_while_workers_die(place: Place) -> Iterator[None]:
    """Let the database be gone and every worker be replaced meanwhile: new ones must come up without it."""
    gone = moved_away if place.postgres is None else stopped
    with gone(place):
        new_workers(place.fleet)
        yield


@contextlib.contextmanager
def flapping(place: Place, period_s: float) -> Iterator[None]:
    """Let the database fail and come back, again and again, until the block has ended."""
    ended = threading.Event()

    def flap() -> None:
        while not ended.wait(period_s):
            if place.postgres is None:
                with moved_away(place):
                    ended.wait(period_s)
            else:
                place.server.ends_sessions(place.fleet.services.settings.database_url)

    thread = threading.Thread(target=flap)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def new_workers(fleet: Fleet) -> None:
    """Kill every worker and wait until as many others are there."""
    before = fleet.server.workers()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + _RESPAWN_S
    while time.monotonic() < deadline:
        now = [pid for pid in fleet.server.workers() if pid not in before]
        if len(now) >= len(before):
            return
        time.sleep(0.02)
    raise AssertionError(f"the workers were not replaced: {fleet.server.said()}")
