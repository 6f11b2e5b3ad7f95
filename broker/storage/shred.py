"""Sees to it that what is deleted does not rest on in SQLite's files.

PostgreSQL keeps deleted rows until their room is used again; `VACUUM FULL` of the tables, by their owner, ends that.
Trusted: file systems and disks keep old blocks as they like, and backups keep all.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

from broker.storage.engine import Database


def overwrite_what_is_deleted(session: Session) -> None:
    """Let SQLite write zeros over what this session deletes; otherwise the bytes stay in the file's free pages."""
    if session.get_bind().dialect.name == "sqlite":
        session.execute(text("PRAGMA secure_delete=ON"))


def empty_write_ahead_log(database: Database) -> bool:
    """Bring SQLite's write-ahead log into the database and cut it off: it holds pages as they were before.

    Return whether nothing of it is left; False when somebody was reading it. PostgreSQL recycles its own: True.
    """
    if database.engine.dialect.name != "sqlite":
        return True
    with database.engine.connect() as connection:
        is_busy, _, _ = connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)")).one()
    return not is_busy
