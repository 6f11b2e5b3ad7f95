"""Asks a connection of the pool whether its server is still there, when there is reason to doubt it.

SQLAlchemy's own `pool_pre_ping` asks at every use, which costs a call several round trips. A server that ends says so
on the line, where it can be heard without a question; one that vanished says nothing, so who has rested is asked.
"""

import select
import time
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError

_ASKED_AFTER_S = 1.0
_SINCE = "rests since"


def ask_rested(engine: Engine) -> None:
    """Have PostgreSQL's connections asked when they have rested for a second, or when something lies on the line."""

    def rests(_connection: Any, record: Any) -> None:
        record.info[_SINCE] = time.monotonic()

    def ask(connection: Any, record: Any, _proxy: Any) -> None:
        now = time.monotonic()
        has_rested = now - record.info.get(_SINCE, now) >= _ASKED_AFTER_S
        try:
            if has_rested or _has_word(connection):
                engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error

    event.listen(engine, "checkin", rests)
    event.listen(engine, "checkout", ask)


def _has_word(connection: Any) -> bool:
    """Say whether the server has said something unasked, such as good-bye."""
    line = select.poll()
    line.register(connection.fileno(), select.POLLIN)
    return bool(line.poll(0))
