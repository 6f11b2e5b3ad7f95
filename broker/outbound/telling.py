"""One log line for each call of another machine: which bank, how it ended, how long; never where or with what."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from broker.errors import BankUnavailable

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Outcome:
    """How a call ended; `status` is None when no answer came."""

    status: int | None = None
    failure: str | None = None
    detail: str | None = None


@contextmanager
def told(bank: str, method: str, monotonic: Callable[[], float]) -> Iterator[Outcome]:
    """Write `bank.called` when the call has ended, however it ended; the caller notes the status."""
    started, outcome = monotonic(), Outcome()
    try:
        yield outcome
    except BankUnavailable as error:
        outcome.failure, outcome.detail = type(error).__name__, error.detail
        raise
    finally:
        _log.info(
            "bank.called",
            bank=bank,
            called=method,
            answer=outcome.status,
            failure=outcome.failure,
            detail=outcome.detail,
            ms=round((monotonic() - started) * 1_000, 1),
        )
