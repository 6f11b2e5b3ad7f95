"""Structured logs: one JSON line an event, with what is known of its request, and without secrets.

What keeps secrets and bank data out does not depend on recognising them. Our own lines name facts, never a path, a
query or a message of somebody else's exception. Libraries speak from WARNING upwards only (the server from INFO),
whatever level the operator sets, and what they quote of a request is taken out. Redaction is the last net.
"""

import logging
import re
import sys
import threading
import traceback
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from pathlib import PurePath
from types import TracebackType
from typing import Any, TextIO, cast

import structlog

from broker.errors import BrokerError

_Line = MutableMapping[str, Any]

_SECRET = re.compile(r"bkr_[a-z]{2}_[A-Za-z0-9_-]+|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
# What a library's line may quote of a request: texts in quotation marks, paths, queries.
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|(?<![:/\w])/\S+|\?\S+""")
# The server says at INFO that it starts, stops or has lost a worker; at DEBUG it would quote requests.
_LIBRARIES_FROM = {"gunicorn": logging.INFO}
_DEEPEST_CAUSE = 5


class _StandardError:
    """Standard error, but a line that cannot be written is lost: a full disk must not fail the request it is about."""

    def write(self, text: str) -> None:
        with suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()


def configure_logging(level: str) -> None:
    """Write every log line as JSON to standard error, at this level or above."""
    lowest = logging.getLevelNamesMapping()[level]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _tell_exception,
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(lowest),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _StandardError())),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(_StandardError())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_unquote, *shared], processors=[_drop_record, structlog.processors.JSONRenderer()]
        )
    )
    # On the handler, because a library can give its loggers any level.
    handler.addFilter(lambda record: record.levelno >= max(lowest, _least_of(record.name)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(lowest)
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda hook: _uncaught(hook.exc_type, hook.exc_value, hook.exc_traceback)


def begin_context(**facts: str) -> None:
    """Forget whatever the last request or task on this thread was, and begin with these facts."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**facts)


def add_facts(**facts: str | None) -> None:
    """Put what is known by now on every later line of this request or task: ids and codes, never values of data."""
    structlog.contextvars.bind_contextvars(**{name: fact for name, fact in facts.items() if fact is not None})


def redact(_logger: Any, _name: str, event: _Line) -> _Line:
    """Replace everything that looks like one of our secrets or a JWT, wherever it stands in the event."""
    for key, value in event.items():
        event[key] = _redacted(value)
    return event


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return _SECRET.sub("[redacted]", value)
    if isinstance(value, Mapping):
        return {_redacted(key): _redacted(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_redacted(item) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return _SECRET.sub("[redacted]", repr(value))  # bytes, exceptions, objects: as they would be printed


def _least_of(logger: str) -> int:
    return _LIBRARIES_FROM.get(logger.partition(".")[0], logging.WARNING)


def _unquote(_logger: Any, _name: str, event: _Line) -> _Line:
    """Take out what a library's line quotes: it may have come with the request."""
    event["event"] = _QUOTED.sub("[...]", str(event["event"]))
    return event


def _tell_exception(_logger: Any, _name: str, event: _Line) -> _Line:
    """Say of an exception what it is and where it arose. Its message can hold anything; of ours the code is told."""
    given = event.pop("exc_info", None)
    error = given[1] if isinstance(given, tuple) else sys.exc_info()[1] if given is True else given
    if isinstance(error, BaseException):
        event["exception"] = [line for one in _chain(error) for line in _lines(one)]
    return event


def _chain(error: BaseException) -> list[BaseException]:
    """Return the exception and what it arose from, nearest first."""
    found = [error]
    while len(found) < _DEEPEST_CAUSE and (cause := found[-1].__cause__ or found[-1].__context__) is not None:
        found.append(cause)
    return found


def _lines(error: BaseException) -> list[str]:
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    frames = traceback.extract_tb(error.__traceback__)
    return [
        f"{kind}: {error.code}" if isinstance(error, BrokerError) else kind,
        *(f"  {'/'.join(PurePath(frame.filename).parts[-3:])}:{frame.lineno} {frame.name}" for frame in frames),
    ]


def _uncaught(kind: type[BaseException], error: BaseException | None, _at: TracebackType | None) -> None:
    """Write what nobody caught as a line like every other: Python itself would print the message."""
    if not issubclass(kind, KeyboardInterrupt):
        structlog.get_logger(__name__).critical("process.failed", exc_info=error)


def _drop_record(_logger: Any, _name: str, event: _Line) -> _Line:
    event.pop("_record", None)
    event.pop("_from_structlog", None)
    return event
