"""Opens SQLite's file: the one that stands at its path, never another, never an empty one made by accident.

Trusted: who can replace the file decides what the broker remembers. A file that was moved away is not written any
more: what was acknowledged would be lost with it.
"""

import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.exc import DisconnectionError

BUSY_TIMEOUT_MS = 10_000
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",  # NORMAL loses acknowledged records in a power cut
    "foreign_keys=ON",
    "trusted_schema=OFF",
    "recursive_triggers=ON",  # else INSERT OR REPLACE would slip past the triggers that guard the log
    f"busy_timeout={BUSY_TIMEOUT_MS}",
)
_FILE = "file"
_PRIMARY = 0xFF
_SYNC_LOST = {sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC}
_LASTING = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def sqlite_engine(url: URL, path: Path, pool: Mapping[str, Any]) -> Engine:
    """Make the engine of a file; connecting fails while there is no file at the path. `pool` is for SQLAlchemy's."""
    place = os.fspath(path)

    def connect() -> sqlite3.Connection:
        # SQLite's own default would make an empty file where one was moved away, and then take the old write-ahead
        # log for its own.
        if not os.access(path, os.R_OK | os.W_OK):
            # SQLite would open it for reading alone, and stay so after the file can be written again.
            raise sqlite3.OperationalError("the database file cannot be written")
        uri = f"{path.absolute().as_uri()}?mode=rw"
        return sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_MS / 1_000, check_same_thread=False)

    def prepare(connection: sqlite3.Connection, record: Any) -> None:
        # The driver's own BEGIN comes too late and too weak; the engine writes it.
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        record.info[_FILE] = _identity(place)

    def refuse_moved(_connection: sqlite3.Connection, record: Any, _proxy: Any) -> None:
        if _identity(place) != record.info[_FILE]:
            raise DisconnectionError

    def forget_broken(context: ExceptionContext) -> None:
        # What a connection has met that does not pass by itself: the next one opens the file anew.
        code = getattr(context.original_exception, "sqlite_errorcode", 0)
        if code in _SYNC_LOST:
            # Nobody knows what is on the disk now, and a second attempt would report success for it (05-audit-log):
            # this process ends, the next one reads what is there.
            os._exit(os.EX_IOERR)
        if code & _PRIMARY in _LASTING:
            context.is_disconnect = True

    engine = create_engine(url, creator=connect, hide_parameters=True, **pool)
    event.listen(engine, "handle_error", forget_broken)
    event.listen(engine, "connect", prepare)
    event.listen(engine, "checkout", refuse_moved)
    return engine


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - before every transaction: `Path.stat` costs three times as much
    except OSError:
        return None
    return found.st_dev, found.st_ino
