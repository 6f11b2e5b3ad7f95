"""A PostgreSQL of a test's own that can be stopped, killed, restarted and made to refuse what it usually does."""

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Iterator
from typing import Any

import psycopg

from tests.support import postgres
from tests.support.postgres import PostgresServer

_START_S = 30.0


class FailingPostgres(PostgresServer):
    """One server with its data folder; it comes back with the same data on the same port."""

    def __init__(self, running: dict[str, Any]) -> None:
        super().__init__(running["url"])
        self.running = running

    def stop(self) -> None:
        """Shut down as an operator would, ending all sessions."""
        postgres.halt(self.running)

    def kill(self) -> None:
        """End the server's main process without a word; its children see that and end themselves."""
        os.kill(self.running["pid"], signal.SIGKILL)
        deadline = time.monotonic() + _START_S
        while self.answers() and time.monotonic() < deadline:
            time.sleep(0.02)

    def answers(self) -> bool:
        try:
            psycopg.connect(f"{self.url}/postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def start(self) -> None:
        """Start again on the same data."""
        deadline = time.monotonic() + _START_S
        while True:
            try:
                self.running["pid"] = postgres.serve(self.running)
            except AssertionError:
                # After a kill its children may hold the shared memory for a moment: then it ends at once, and is rerun.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return

    def sets(self, name: str, value: str | None) -> None:
        """Change a setting for every session, None for the default, and wait until new sessions have it."""
        change = f"ALTER SYSTEM RESET {name}" if value is None else f"ALTER SYSTEM SET {name} = {value}"
        with psycopg.connect(f"{self.url}/postgres", autocommit=True) as connection:
            connection.execute(b"SET default_transaction_read_only = off")
            connection.execute(change.encode())
            connection.execute(b"SELECT pg_reload_conf()")
        time.sleep(0.3)  # the signal has to reach every session; nothing tells when it has

    def ends_sessions(self, database_url: str) -> None:
        """Cut every session of a database, wherever it stands in its work; when this returns they are gone."""
        name = database_url.rpartition("/")[2]
        ours = f"datname = '{name}' AND pid <> pg_backend_pid()"
        statement = f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {ours}"  # noqa: S608 - our own name
        with contextlib.suppress(psycopg.OperationalError):
            self.runs(statement)


@contextlib.contextmanager
def failing_postgres() -> Iterator[FailingPostgres]:
    """Start a server that nobody else uses; not the one of BROKER_TEST_DATABASE_URL, which is not ours to kill."""
    server = FailingPostgres(postgres.start())
    try:
        yield server
    finally:
        if server.answers():
            server.stop()
        shutil.rmtree(server.running["folder"], ignore_errors=True)
