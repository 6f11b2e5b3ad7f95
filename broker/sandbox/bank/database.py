"""The bank's own SQLite file."""

from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from broker.sandbox.bank.config import ConfigError

Sessions = sessionmaker[Session]


class Base(DeclarativeBase):
    """The tables of one bank."""


def open_database(path: Path) -> Sessions:
    """Open the file, creating the tables that are missing, and return a maker of sessions.

    Raises: ConfigError when the file cannot be opened or written.
    """
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", _prepare)
    try:
        Base.metadata.create_all(engine)
    except SQLAlchemyError as error:
        raise ConfigError(f"cannot open the database {path}") from error
    return sessionmaker(engine, expire_on_commit=False)


def _prepare(connection: Any, _record: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=5000"):
        connection.execute(f"PRAGMA {pragma}")
