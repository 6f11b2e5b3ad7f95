"""The bank's own SQLite file."""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from broker.sandbox.bank.config import ConfigError

Sessions = sessionmaker[Session]

_SHAPE = 2
"""Raised whenever the tables of the books change."""
_BOOKS = ("account", "holding", "entry", "ledger_day")


class Base(DeclarativeBase):
    """The tables of one bank."""


def open_database(path: Path) -> Sessions:
    """Open the file, creating the tables that are missing, and return a maker of sessions.

    Books of another shape are thrown away: they are written again, the same, from the people. Tokens are kept.

    Raises: ConfigError when the file cannot be opened or written.
    """
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", _prepare)
    try:
        _drop_other_shapes(engine)
        Base.metadata.create_all(engine)
    except SQLAlchemyError as error:
        raise ConfigError(f"cannot open the database {path}") from error
    return sessionmaker(engine, expire_on_commit=False)


def _drop_other_shapes(engine: Engine) -> None:
    with engine.begin() as connection:
        if connection.exec_driver_sql("PRAGMA user_version").scalar_one() != _SHAPE:
            for name in _BOOKS:
                connection.exec_driver_sql(f"DROP TABLE IF EXISTS {name}")
            connection.exec_driver_sql(f"PRAGMA user_version = {_SHAPE}")


def _prepare(connection: Any, _record: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=5000"):
        connection.execute(f"PRAGMA {pragma}")
