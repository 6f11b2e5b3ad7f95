"""In what condition the database is: there, and able to take what is written."""

import os
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from broker.errors import StorageUnavailable
from broker.storage.engine import Database, sqlite_file

_MAY_INSERT = text("""
    SELECT NOT pg_is_in_recovery() AND coalesce(bool_and(has_table_privilege(oid, 'INSERT')), true) FROM pg_class
    WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace AND relname <> 'alembic_version'
""")


def check_writable(database: Database) -> None:
    """Refuse a database that is gone or takes no changes, without waiting for those who write.

    Raises:
        StorageUnavailable: gone (open connections to a deleted file would go on for a while), read-only or a standby.
    """
    file = sqlite_file(database.engine)
    if file is not None and not file.is_file():
        raise StorageUnavailable("The database file is gone.")
    if not (_takes_files(file) if file is not None else _takes_changes(database)):
        raise StorageUnavailable("The database is read-only.", code="database-read-only")


def clock_of_server(database: Database) -> datetime | None:
    """Return what the database server's clock says, None for an embedded database.

    Raises:
        StorageUnavailable: the server cannot be reached.
    """
    if sqlite_file(database.engine) is not None:
        return None
    with database.read() as session:
        told: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    return told.astimezone(UTC)


def _takes_files(file: Path) -> bool:
    # SQLite writes beside the file too: the write-ahead log and its index.
    return os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)


def _takes_changes(database: Database) -> bool:
    """Ask the server instead of trying: a standby takes nothing, nor does a user who may not insert."""
    with database.read() as session:
        return bool(session.execute(_MAY_INSERT).scalar_one())
