"""The two doors to the log: `append` for one access, `transaction` for changes with their entries.

Order, always: the fences of the grants, then the log's lock, then writes. Nothing is promised before it is durable.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from threading import Lock
from typing import Any, TypeVar

import structlog
from sqlalchemy.orm import Session

from broker.audit.batches import Batches
from broker.audit.deciding import decide
from broker.audit.leaf import Draft, draft
from broker.audit.permits import Confirms, Permits
from broker.audit.vocabulary import RESPONSE_DIGEST, Appended, Entry, Event
from broker.audit.writer import Log, Placed, Writer
from broker.clock import instant
from broker.errors import LogUnavailable, StorageUnavailable
from broker.storage.conflicts import again, note_lasting
from broker.storage.engine import Database
from broker.storage.single_use import Condition, Loss
from broker.telemetry import add_facts

Found = TypeVar("Found")
_log = structlog.get_logger(__name__)


class LoggedTransaction:
    """A write transaction that holds the locks of its logs: the caller's changes and entries commit together."""

    def __init__(self, session: Session, writer: Writer, permits: Permits, logs: dict[str | None, Log]) -> None:
        self.session = session
        self._writer = writer
        self._permits = permits
        self._logs = logs

    def append(self, entry: Entry) -> Appended:
        """Add an entry to one of the locked logs; it is durable when the transaction has ended, not before."""
        _tell(entry)
        self.session.flush()
        return self._writer.write(self.session, self._logs[entry.bank_id], [draft(entry)])[0].appended()

    def log_of(self, bank: str | None) -> str:
        """Return the name of the locked log of a bank (None: the operator's)."""
        return self._logs[bank].name

    def written_at(self, bank: str | None) -> datetime:
        """Return the instant of the last entry of the locked log of a bank (None: the operator's)."""
        return instant(self._logs[bank].last_time_us)

    def succeed(self, bank: str | None, name: str) -> None:
        """Close the locked log of a bank (None: the operator's) and open the next one under this name."""
        self._permits.check_new(self.session, name, for_access=False)
        self.session.flush()
        self._logs[bank] = self._writer.succeed(self.session, self._logs[bank], bank, name)

    def recover(self, bank: str | None, name: str, witnessed: Mapping[str, Any]) -> None:
        """Leave the locked log of a bank, which witnesses contradict, and open another that commits to their head.

        Raises:
            LogUnavailable: the witnesses have not confirmed that the other one is new.
        """
        self._permits.check_new(self.session, name, for_access=True)
        self._logs[bank] = self._writer.recover(self.session, self._logs[bank], bank, name, witnessed)


@dataclass(frozen=True, slots=True)
class _Order:
    """One entry that waits for its batch, with what must hold for it."""

    drafted: Draft
    conditions: tuple[Condition, ...]


_Outcome = tuple[Placed, Loss | None]
"""Where an entry stands, and what it has lost."""
_OF_WHAT_LEFT = frozenset({RESPONSE_DIGEST, "fields"})


class Sequencer:
    """Gives every entry its place and its receipt. `permits` says which logs this process may sign.

    `confirmation` None: no witness has to confirm a log first.
    """

    def __init__(self, database: Database, writer: Writer, confirmation: Confirms | None = None) -> None:
        self._database = database
        self._writer = writer
        self.permits = Permits(database, writer.current, confirmation)
        self._lanes: dict[str | None, Batches[_Order, _Outcome]] = {}
        self._opening = Lock()

    def prepare(self, banks: Iterable[str | None]) -> None:
        """Have the witnesses confirm the logs of these banks, where this process has not signed them yet.

        Both doors do it, but not for who holds a fence (`fenced`): that one does it before the fence, because it waits
        for other machines. What is not confirmed then is refused, and asked about by whoever comes next.

        Raises:
            LogUnavailable: the database cannot be read.
        """
        try:
            self.permits.obtain(banks)
        except StorageUnavailable as error:
            raise LogUnavailable from error

    def append(self, entry: Entry, claims: Iterable[Condition] = (), *, fenced: bool = False) -> Appended:
        """Write one entry and return when it is durable; entries of other threads share the commit.

        The claims are decided in the same transaction; when one is lost the entry becomes `access.refused` with that
        claim's code and rule, nothing else that it wanted is counted, and `Appended.lost` names them: the caller must
        refuse.

        Raises:
            LogUnavailable: the entry could not be written, or too many wait; nothing may be released.
        """
        _tell(entry)
        if not fenced:
            self.prepare([entry.bank_id])
        placed, lost = self._lane(entry.bank_id).submit(_Order(draft(entry), tuple(claims)))
        note_lasting()  # another thread may have committed it
        if lost is not None:
            add_facts(decision="refused")
        return placed.appended(lost)

    def look_up(self, question: Callable[[Session], Found]) -> Found:
        """Answer a question before a lock is taken, such as which bank's log a grant belongs to."""
        with self._database.read() as session:
            return question(session)

    @contextmanager
    def transaction(
        self, banks: Sequence[str | None], *, from_reserve: bool = False, fenced: bool = False
    ) -> Iterator[LoggedTransaction]:
        """Open a write transaction that holds the logs of these banks (None: the operator's).

        `from_reserve` is for what takes sharing back: it may use the room kept for it on a full disk.

        Raises:
            LogUnavailable: the log could not be locked or the transaction not committed; nothing has changed.
        """
        if not fenced:
            self.prepare(banks)
        try:
            with self._database.write(from_reserve=from_reserve, locks_first=True) as session:
                logs = self._writer.lock(session, banks)
                self.permits.check(session, logs, for_access=False)
                yield LoggedTransaction(session, self._writer, self.permits, logs)
            self.permits.remember(logs.values())
        except StorageUnavailable as error:
            _log.error("audit.transaction_failed")
            raise LogUnavailable from error

    @contextmanager
    def recovery(self, bank: str | None, log: str) -> Iterator[LoggedTransaction]:
        """Open a write transaction that holds one log which may not be signed any more, to put another in its place.

        Raises:
            LogUnavailable: the log is not the current one, or could not be locked; nothing has changed.
        """
        try:
            with self._database.write(locks_first=True) as session:
                logs = self._writer.lock(session, [bank])
                if logs[bank].name != log:
                    raise LogUnavailable("That log is not the current one.")
                yield LoggedTransaction(session, self._writer, self.permits, logs)
        except StorageUnavailable as error:
            raise LogUnavailable from error

    def _lane(self, bank_id: str | None) -> Batches[_Order, _Outcome]:
        """Return the queue of one log: a batch writes one log, so that banks do not wait for each other's locks."""
        with self._opening:
            if bank_id not in self._lanes:
                self._lanes[bank_id] = Batches(partial(self._commit, bank_id))
            return self._lanes[bank_id]

    def _commit(self, bank_id: str | None, gather: Callable[[], list[_Order]]) -> list[_Outcome]:
        orders: list[_Order] = []

        def gathered() -> list[_Order]:  # from the queue once, however often the transaction is run
            orders.extend(() if orders else gather())
            return orders

        try:
            return again(partial(self._committed, bank_id, gathered))
        except StorageUnavailable as error:
            entries = [order.drafted.entry for order in gathered()]
            events = sorted({entry.event.value for entry in entries})
            ids = [entry.interaction_id for entry in entries]  # the thread that writes is that of one of them
            _log.error("audit.append_failed", event_names=events, interaction_ids=ids)
            raise LogUnavailable from error

    def _committed(self, bank_id: str | None, gather: Callable[[], list[_Order]]) -> list[_Outcome]:
        with self._database.write_plain() as session:
            log = self._writer.lock(session, [bank_id])[bank_id]
            self.permits.check(session, {bank_id: log}, for_access=True)
            orders = gather()
            lost = decide(session, [order.conditions for order in orders])
            drafts = [_decided(order.drafted, loss) for order, loss in zip(orders, lost, strict=True)]
            written = self._writer.write(session, log, drafts)
        self.permits.remember([log])
        return list(zip(written, lost, strict=True))


def _tell(entry: Entry) -> None:
    """Let the log lines of this request say whom it concerns and how the last entry decided."""
    add_facts(bank=entry.bank_id, platform=entry.platform_id, category=entry.category, decision=entry.decision)


def _decided(drafted: Draft, lost: Loss | None) -> Draft:
    if lost is None:
        return drafted
    # Nothing leaves: neither the count nor the digest nor the fields of what would have left may stand there.
    details = {name: value for name, value in drafted.entry.details.items() if name not in _OF_WHAT_LEFT}
    if lost.rule:
        details["rules"] = [{"rule": lost.rule, "text": lost.text}]
    entry = replace(drafted.entry, event=Event.ACCESS_REFUSED, reasons=(lost.code,), records=None, details=details)
    return draft(entry)
