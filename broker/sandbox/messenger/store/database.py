"""Messenger's SQLite database: opened, prepared, and handed out as sessions."""

import sqlite3
from pathlib import Path

from sqlalchemy import Engine, create_engine, event, inspect, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from broker.sandbox.messenger.config import ConfigError

from .models import Base

Sessions = sessionmaker[Session]


def open_database(path: Path) -> Sessions:
    """Open the database, create its tables and columns where they are missing.

    Raises:
        ConfigError: the file cannot be opened or written.

    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(f"sqlite:///{path}")
        event.listen(engine, "connect", _prepare)
        _add_columns(engine)
        Base.metadata.create_all(engine)
    except (OSError, SQLAlchemyError) as error:
        raise ConfigError(f"cannot use the database {path} ({type(error).__name__})") from error
    return sessionmaker(engine, expire_on_commit=False)


def _add_columns(engine: Engine) -> None:
    """Add what tables of an earlier version lack: all columns that came later may be empty."""
    found = inspect(engine)
    with engine.begin() as connection:
        for table in Base.metadata.sorted_tables:
            if not found.has_table(table.name):
                continue
            present = {column["name"] for column in found.get_columns(table.name)}
            for column in table.columns:
                if column.name not in present:
                    kind = column.type.compile(engine.dialect)
                    connection.execute(text(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}"))


def _prepare(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")
