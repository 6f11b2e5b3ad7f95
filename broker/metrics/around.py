"""Measures around the parts of the broker: each class here is the part itself with a clock outside it."""

import time
from collections.abc import Callable, Collection, Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from structlog.contextvars import get_contextvars

from broker.audit.sequencer import Sequencer
from broker.audit.vocabulary import Appended, Entry
from broker.audit.writer import Writer
from broker.errors import BankInvalidAnswer, BankTimeout, BankUnavailable, StorageUnavailable
from broker.grants.fence import Fences, Held
from broker.outbound import OutboundClient
from broker.outbound.answer import Answer
from broker.storage.engine import Database
from broker.storage.single_use import Condition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from broker.audit.permits import Confirms
    from broker.metrics.figures import Figures

_NONE = "none"


class MeasuredCalls:
    """Wraps the application: counts each answer by the facts that its log line holds."""

    def __init__(self, application: "WSGIApplication", figures: "Figures") -> None:
        self._application = application
        self._figures = figures

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        started, statuses = time.monotonic(), ["500"]

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
            statuses.append(status[:3])
            return start_response(status, headers, exc_info)

        try:
            return self._application(environ, start)
        finally:
            facts = get_contextvars()
            named = {name: str(facts.get(name, _NONE)) for name in ("route", "method", "decision", "code")}
            self._figures.request(time.monotonic() - started, status=statuses[-1], **named)


class MeasuredSequencer(Sequencer):
    """The sequencer, with its batches counted: how large, how long for the lock, how long until durable."""

    def __init__(
        self, figures: "Figures", database: Database, writer: Writer, confirmation: "Confirms | None" = None
    ) -> None:
        super().__init__(database, writer, confirmation)
        self._figures = figures

    def append(self, entry: Entry, claims: Iterable[Condition] = (), *, fenced: bool = False) -> Appended:
        started = time.monotonic()
        self._figures.entry_waits()
        try:
            return super().append(entry, claims, fenced=fenced)
        finally:
            self._figures.entry_ended(time.monotonic() - started)

    def _commit(self, bank_id: str | None, gather: Callable[[], list[Any]]) -> list[Any]:
        started, locked, entries = time.monotonic(), 0.0, 0

        def gathered() -> list[Any]:
            nonlocal locked, entries
            locked = time.monotonic()
            orders = gather()
            entries = len(orders)
            return orders

        written = super()._commit(bank_id, gathered)
        self._figures.batch(entries, lock_s=locked - started, commit_s=time.monotonic() - locked)
        return written


class MeasuredFences(Fences):
    """The fences, with the time counted for which they were waited for."""

    def __init__(self, figures: "Figures", database: Database, connections: int) -> None:
        super().__init__(database, connections=connections)
        self._figures = figures

    def shared(self, grant_id: str) -> Held:
        with self._waiting("shared"):
            return super().shared(grant_id)

    def exclusive(self, grant_ids: Collection[str]) -> Held:
        with self._waiting("exclusive"):
            return super().exclusive(grant_ids)

    @contextmanager
    def _waiting(self, hold: str) -> "Iterator[None]":
        started, outcome = time.monotonic(), "held"
        try:
            yield
        except StorageUnavailable:
            outcome = "refused"
            raise
        finally:
            self._figures.fence(time.monotonic() - started, hold=hold, outcome=outcome)


class MeasuredClient(OutboundClient):
    """The client of the banks, with each call counted for the bank that it names."""

    def __init__(self, figures: "Figures", *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._figures = figures

    def send(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        body: bytes | None,
        *,
        breaker: str,
        deadline_s: float | None = None,
    ) -> Answer:
        started, outcome = time.monotonic(), "answered"
        try:
            return super().send(method, url, headers, body, breaker=breaker, deadline_s=deadline_s)
        except BankUnavailable as error:
            outcome = _outcome(error)
            raise
        finally:
            self._figures.bank(time.monotonic() - started, bank=breaker, outcome=outcome)


def _outcome(error: BankUnavailable) -> str:
    if isinstance(error, BankTimeout):
        return "timeout"
    return "invalid" if isinstance(error, BankInvalidAnswer) else "unavailable"
