"""Looks at the database: reachable, current, writable, durable, private, with room to grow."""

import os
import shutil
import stat
from collections.abc import Generator, Iterator
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from broker.cli.doctor.finding import Finding, doubtful, looking, well, wrong
from broker.errors import BrokerError, ConfigurationInvalid
from broker.settings import Settings
from broker.storage.condition import check_writable
from broker.storage.engine import Database, sqlite_file
from broker.storage.schema import check_revision

_MIB = 1024 * 1024
_LITTLE_BYTES, _FEW_BYTES = 1024 * _MIB, 64 * _MIB
_FEW_FILES = 100
_CONNECT_TIMEOUT_S = "5"


def findings(settings: Settings) -> Generator[Finding, None, Database | None]:
    """Open the database and try it; return it when it can be read at this program's revision."""
    try:
        database = Database(_patient(settings.database_url))
    except ConfigurationInvalid as error:
        yield wrong("database", error.detail, "Set BROKER_DATABASE_URL as docs/reference/settings.md says.")
        return None
    file = sqlite_file(database.engine)
    if file is not None and not file.is_file():
        yield wrong("database", f"There is no database at {file}.", "Run `broker db upgrade`, or restore a backup.")
        return None
    yield from _room(file) if file is not None else ()
    yield from _privacy(file) if file is not None else ()
    try:
        with database.read() as session:
            session.connection()
    except BrokerError:
        yield wrong("database", f"{_name(database)} cannot be read, or refuses the broker.", _reach(file))
        return None
    yield well("database", f"{_name(database)} can be read.")
    yield from _condition(database)
    try:
        check_revision(database)
    except BrokerError as error:
        mend = "Run `broker db upgrade`, or install the version of the broker that this database was upgraded by."
        yield wrong("database revision", error.detail, mend)
        return None
    yield well("database revision", "It is the one that this program needs.")
    return database


def _patient(url: str) -> str:
    """Give a server a few seconds to accept a connection: an address where nobody answers must not hold the doctor."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return url  # told by whoever opens it
    if parsed.get_backend_name() == "postgresql" and "connect_timeout" not in parsed.query:
        parsed = parsed.update_query_dict({"connect_timeout": _CONNECT_TIMEOUT_S})
    return parsed.render_as_string(hide_password=False)


def _name(database: Database) -> str:
    """Name the database without its password, wherever in the URL that stands."""
    url = database.engine.url
    if (file := sqlite_file(database.engine)) is not None:
        return f"The SQLite file {file}"
    hosts = url.host or url.query.get("host") or "the local socket"
    return f"The PostgreSQL database {url.database} on {hosts if isinstance(hosts, str) else ', '.join(hosts)}"


def _reach(file: Path | None) -> str:
    if file is not None:
        return f"Let the broker's user read and write {file} and its folder; if it is damaged, restore a backup."
    return "Start the server, and check host, port, user, password and name in BROKER_DATABASE_URL."


def _condition(database: Database) -> Iterator[Finding]:
    def durable() -> Iterator[Finding]:
        database.check_durability()
        yield well("database durability", "What is acknowledged survives a power cut.")

    def writable() -> Iterator[Finding]:
        check_writable(database)
        yield well("database writing", "It takes changes.")

    mend = "Put the settings of the database server back to their safe values, or move the file to a local disk."
    yield from looking("database durability", durable, mend)
    mend = "Point BROKER_DATABASE_URL at the primary, and let the broker's user write."
    yield from looking("database writing", writable, mend)


def _room(file: Path) -> Iterator[Finding]:
    free, files = shutil.disk_usage(file.parent).free, os.statvfs(file.parent)
    mend = f"Make room on the disk that holds {file.parent}: when it is full, nothing is released."
    # Some file systems count no files at all, and then say 0 of 0.
    if free < _FEW_BYTES or (files.f_files and files.f_favail < _FEW_FILES):
        yield wrong("disk", f"There are {free // _MIB} MiB and {files.f_favail} files left.", mend)
    elif free < _LITTLE_BYTES:
        yield doubtful("disk", f"There are {free // _MIB} MiB left.", mend)
    else:
        yield well("disk", f"There are {free // _MIB} MiB left.")


def _privacy(file: Path) -> Iterator[Finding]:
    others, is_own = stat.S_IRWXG | stat.S_IRWXO, file.stat().st_uid == os.geteuid()
    if not is_own:
        found = f"{file} belongs to another user; SQLite may leave files beside it that the broker cannot open."
        yield doubtful("database owner", found, "Run `broker doctor` as the user who runs the broker.")
    if file.stat().st_mode & others and file.parent.stat().st_mode & others:
        found = (
            f"Others on this machine can read {file}: grants and the log stand there, though nothing that is sealed."
        )
        yield doubtful("database privacy", found, f"Run `chmod 700 {file.parent}`.")
    else:
        yield well("database privacy", "The file is the broker's alone.")
