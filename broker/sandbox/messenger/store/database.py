"""Messenger's SQLite database: opened, prepared, and handed out as sessions."""

import sqlite3
from pathlib import Path

from sqlalchemy import create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from broker.sandbox.messenger.config import ConfigError

from .models import Base

Sessions = sessionmaker[Session]


def open_database(path: Path) -> Sessions:
    """Open the database, create its tables where they are missing.

    Raises:
        ConfigError: the file cannot be opened or written.

    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(f"sqlite:///{path}")
        event.listen(engine, "connect", _prepare)
        Base.metadata.create_all(engine)
    except (OSError, SQLAlchemyError) as error:
        raise ConfigError(f"cannot use the database {path} ({type(error).__name__})") from error
    return sessionmaker(engine, expire_on_commit=False)


def _prepare(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")
