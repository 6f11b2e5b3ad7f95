"""A PostgreSQL of a test's own that can be stopped, killed, restarted and made to refuse what it usually does."""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from tests.support.postgres import _account, _binaries, _start

_START_S = 30.0


class FailingPostgres:
    """One server with its data folder; it comes back with the same data on the same port."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes], port: int) -> None:
        self._folder = folder
        self._process = process
        self.url = f"postgresql://broker@127.0.0.1:{port}"

    def new_database(self) -> str:
        """Create an empty database and return its URL."""
        name = f"test_{secrets.token_hex(6)}"
        self.runs(f"CREATE DATABASE {name}")
        return f"{self.url}/{name}"

    def runs(self, statement: str, database: str = "postgres") -> None:
        with psycopg.connect(f"{self.url}/{database}", autocommit=True) as connection:
            connection.execute(statement.encode())

    def stop(self) -> None:
        """Shut down as an operator would, ending all sessions."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(_START_S)

    def kill(self) -> None:
        """End the server's main process without a word; its children see that and end themselves."""
        self._process.kill()
        self._process.wait(_START_S)

    def start(self) -> None:
        """Start again on the same data."""
        account = "nobody" if os.geteuid() == 0 else None
        identity = {} if account is None else {"user": account, "group": pwd.getpwnam(account).pw_gid}
        extra = {} if account is None else {"extra_groups": []}
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            with (self._folder / "postgres.log").open("ab") as log:
                self._process = subprocess.Popen(  # type: ignore[call-overload] # identity is of mixed types
                    self._process.args,
                    stdout=log,
                    stderr=log,
                    env=clean | {"HOME": str(self._folder)},
                    cwd=self._folder,
                    **identity,
                    **extra,
                )
            # After a kill its children may hold the shared memory for a moment: then it ends at once, and is rerun.
            while self._process.poll() is None and time.monotonic() < deadline:
                with contextlib.suppress(psycopg.OperationalError):
                    psycopg.connect(f"{self.url}/postgres").close()
                    return
                time.sleep(0.05)
            time.sleep(0.1)
        raise AssertionError((self._folder / "postgres.log").read_text(encoding="utf-8", errors="replace")[-3_000:])

    def sets(self, name: str, value: str | None) -> None:
        """Change a setting for every session, None for the default, and wait until new sessions have it."""
        change = f"ALTER SYSTEM RESET {name}" if value is None else f"ALTER SYSTEM SET {name} = {value}"
        with psycopg.connect(f"{self.url}/postgres", autocommit=True) as connection:
            connection.execute(b"SET default_transaction_read_only = off")
            connection.execute(change.encode())
            connection.execute(b"SELECT pg_reload_conf()")
        time.sleep(0.3)  # the signal has to reach every session; nothing tells when it has

    def ends_sessions(self, database_url: str) -> None:
        """Cut every session of a database, wherever it stands in its work."""
        name = database_url.rpartition("/")[2]
        ours = f"datname = '{name}' AND pid <> pg_backend_pid()"
        statement = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {ours}"  # noqa: S608 - our own name
        with contextlib.suppress(psycopg.OperationalError):
            self.runs(statement)


@contextlib.contextmanager
def failing_postgres() -> Iterator[FailingPostgres]:
    """Start a server that nobody else uses; not the one of BROKER_TEST_DATABASE_URL, which is not ours to kill."""
    memory = Path("/dev/shm")  # noqa: S108 - memory-backed, a folder of our own below it
    folder = Path(tempfile.mkdtemp(prefix="broker-pg-", dir=memory if memory.is_dir() else None))
    try:
        binaries = _binaries(folder)
        process, port = _start(binaries, folder, _account(folder))
        server = FailingPostgres(folder, process, port)
        try:
            yield server
        finally:
            if server._process.poll() is None:
                server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
