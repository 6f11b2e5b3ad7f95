"""Words between processes over PostgreSQL (NOTIFY): there may be something to do. They hasten, and decide nothing.

Trusted: nobody. Whoever sends words makes the worker look into its tables early, fifty times a second at most; whoever
keeps them from coming makes it look when it would look anyway. A word carries nothing that is read.
"""

import threading
from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from broker.storage.engine import Database

_CHANNEL = "broker_due"
_SENT = "word of something due"
_WORD, _LISTEN = text(f"SELECT pg_notify('{_CHANNEL}', '')"), text(f"LISTEN {_CHANNEL}")
_PAUSE_S = 2.0
_LOOK_S = 0.5  # at most so long after a stop
_SHORTEST_S = 0.02
_PATIENT = {"connect_timeout": 5, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}


def hasten(session: Session) -> None:
    """Let workers look at once when this transaction has been committed; on SQLite they look when they would.

    Never in the transaction of a call: PostgreSQL lets such commits pass one after the other.
    """
    if not session.info.get(_SENT) and session.get_bind().dialect.name == "postgresql":
        session.info[_SENT] = True
        session.execute(_WORD)


class Bell:
    """What one thread sleeps beside."""

    def __init__(self) -> None:
        self._rung = threading.Event()

    def ring(self) -> None:
        """Wake who sleeps; who is awake does not sleep the next time."""
        self._rung.set()

    def sleep(self, seconds: float) -> None:
        """Sleep so long, or until it rings."""
        self._rung.wait(seconds)
        self._rung.clear()


class Listener:
    """Rings bells whenever a word comes, on a database session that does nothing else."""

    def __init__(self, database: Database, bells: Sequence[Bell]) -> None:
        url = database.engine.url
        self._bells = bells
        self._engine = (
            create_engine(
                url, isolation_level="AUTOCOMMIT", poolclass=NullPool, hide_parameters=True, connect_args=_PATIENT
            )
            if url.get_backend_name() == "postgresql"
            else None
        )

    def run(self, stopping: threading.Event) -> None:
        """Listen until `stopping`, anew after each failure; without a server that has words, return at once."""
        while self._engine is not None and not stopping.is_set():
            with suppress(DBAPIError):  # the database is away: who polls finds out and says so
                self._listen(self._engine, stopping)
            stopping.wait(_PAUSE_S)

    def _listen(self, engine: Engine, stopping: threading.Event) -> None:
        with engine.connect() as connection:
            connection.execute(_LISTEN)
            self._ring()  # what was said before is not heard any more
            driver = connection.connection.dbapi_connection
            while not stopping.is_set():
                try:
                    heard = list(driver.notifies(timeout=_LOOK_S, stop_after=1))  # type: ignore[union-attr]  # psycopg's
                except connection.dialect.loaded_dbapi.Error:
                    connection.invalidate()
                    return
                if heard:
                    self._ring()
                    stopping.wait(_SHORTEST_S)

    def _ring(self) -> None:
        for bell in self._bells:
            bell.ring()
