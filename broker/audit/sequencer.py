"""The two doors to the log: `append` for one access, `transaction` for changes with their entries.

Order, always: the log's lock first, then writes. Nothing is promised before it is durable.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

import structlog
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from broker.audit.models import DetailRow, EntryRow, LogState
from broker.audit.subjects import subject_of
from broker.audit.vocabulary import OPERATOR_LOG, Appended, Entry, Event
from broker.clock import Clock, microseconds
from broker.crypto.digests import canonical_json
from broker.crypto.sealing import Sealer
from broker.errors import LogUnavailable, StorageUnavailable
from broker.storage.engine import Database
from broker.storage.single_use import Claim, claim

_LEAF_VERSION = 1
Found = TypeVar("Found")
_log = structlog.get_logger(__name__)


class LoggedTransaction:
    """A write transaction that holds the locks of its logs: the caller's changes and entries commit together."""

    def __init__(self, session: Session, writer: "_Writer") -> None:
        self.session = session
        self._writer = writer

    def append(self, entry: Entry) -> Appended:
        """Add an entry; it is durable when the transaction has ended, not before."""
        return self._writer.write(self.session, entry)


class Sequencer:
    """Gives every entry its place. `host` is the broker's host name; the logs' names begin with it."""

    def __init__(self, database: Database, sealer: Sealer, clock: Clock, host: str) -> None:
        self._database = database
        self._writer = _Writer(sealer, clock, host)

    def append(self, entry: Entry, claims: Iterable[Claim] = ()) -> Appended:
        """Write one entry in a transaction of its own and return when it is durable.

        The claims are taken in the same transaction; when one is lost the entry becomes `access.refused` with the
        reason `<namespace>-replayed`, and `Appended.lost` names it: the caller must refuse.

        Raises:
            LogUnavailable: the entry could not be written; nothing may be released.
        """
        try:
            with self._database.write() as session:
                self._writer.lock(session, [entry.bank_id])
                taken = [(wish, claim(session, wish)) for wish in claims]
                lost = next((wish.namespace for wish, won in taken if not won), None)
                if lost is not None:
                    entry = replace(entry, event=Event.ACCESS_REFUSED, reasons=(f"{lost}-replayed",))
                return replace(self._writer.write(session, entry), lost=lost)
        except StorageUnavailable as error:
            _log.error("audit.append_failed", event_name=entry.event.value, interaction_id=entry.interaction_id)
            raise LogUnavailable from error

    def look_up(self, question: Callable[[Session], Found]) -> Found:
        """Answer a question before a lock is taken, such as which bank's log a grant belongs to."""
        with self._database.read() as session:
            return question(session)

    @contextmanager
    def transaction(self, banks: Sequence[str | None], *, from_reserve: bool = False) -> Iterator[LoggedTransaction]:
        """Open a write transaction that holds the logs of these banks (None: the operator's).

        `from_reserve` is for what takes sharing back: it may use the room kept for it on a full disk.

        Raises:
            LogUnavailable: the log could not be locked or the transaction not committed; nothing has changed.
        """
        try:
            with self._database.write(from_reserve=from_reserve) as session:
                self._writer.lock(session, banks)
                yield LoggedTransaction(session, self._writer)
        except StorageUnavailable as error:
            _log.error("audit.transaction_failed")
            raise LogUnavailable from error


class _Writer:
    """Writes entries at the end of their log, under its lock."""

    def __init__(self, sealer: Sealer, clock: Clock, host: str) -> None:
        self._sealer = sealer
        self._clock = clock
        self._host = host

    def lock(self, session: Session, banks: Sequence[str | None]) -> None:
        """Lock the state rows in one order, whoever asks: sorted by owner."""
        for owner in sorted({bank or OPERATOR_LOG for bank in banks}):
            self._state(session, owner)

    def _state(self, session: Session, owner: str) -> LogState:
        query = select(LogState).where(LogState.owner == owner, LogState.is_current).with_for_update()
        state = session.scalars(query).first()
        if state is None:
            self._open_log(session, owner)
            state = session.scalars(query).one()
        return state

    def _open_log(self, session: Session, owner: str) -> None:
        """Open an owner's first log; when two processes race, one row stands and both use it."""
        insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
        name = f"{self._host}/audit/{owner}/{self._clock().year}"
        first = {"name": name, "owner": owner, "size": 0, "last_time_us": 0, "is_current": True}
        session.execute(insert(LogState).values(**first).on_conflict_do_nothing())

    def write(self, session: Session, entry: Entry) -> Appended:
        state = self._state(session, entry.bank_id or OPERATOR_LOG)
        number, now = state.size, self._clock()
        time_us = max(microseconds(now), state.last_time_us)  # a clock that steps back must not reorder the log
        subject = None
        if entry.user_id is not None and entry.bank_id is not None:
            subject = subject_of(session, self._sealer, user_id=entry.user_id, bank_id=entry.bank_id, now=now)
        pseudonym = subject.pseudonym if subject else None
        session.add(
            EntryRow(
                log=state.name,
                number=number,
                time_us=time_us,
                event=entry.event.value,
                subject=pseudonym,
                grant_id=entry.grant_id,
                interaction_id=entry.interaction_id,
                leaf=_leaf(state.name, number, time_us, pseudonym, entry),
            )
        )
        if entry.details:
            sealer = subject.sealer if subject else self._sealer
            plain = json.dumps(entry.details, ensure_ascii=False).encode()
            sealed = sealer.seal(plain, f"audit_details/{state.name}/{number}")
            session.add(DetailRow(log=state.name, number=number, sealed=sealed))
        state.size, state.last_time_us = number + 1, time_us
        session.flush()
        return Appended(log=state.name, number=number)


def _leaf(log: str, number: int, time_us: int, subject: str | None, entry: Entry) -> bytes:
    fields = {
        "v": _LEAF_VERSION,
        "log": log,
        "number": number,
        "time": time_us,
        "event": entry.event.value,
        "initiator": entry.initiator.value,
        "decision": entry.decision,
        "subject": subject,
        "platform": entry.platform_id,
        "grant": entry.grant_id,
        "grantVersion": entry.grant_version,
        "category": entry.category,
        "purpose": entry.purpose,
        "interactionId": entry.interaction_id,
        "policy": entry.policy_digest,
        "reasons": list(entry.reasons) or None,
        "records": entry.records,
        "accounts": entry.accounts,
    }
    return canonical_json({name: value for name, value in fields.items() if value is not None})
