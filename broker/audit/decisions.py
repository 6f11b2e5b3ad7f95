"""Reads back what was decided, with what it was judged by: of one interaction, or of all logs since an instant."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, Select, and_, select
from sqlalchemy.orm import Session

from broker.audit.models import DetailRow, EntryRow, LogState, SubjectRow
from broker.audit.reader import LoggedEntry, disclosed, logged
from broker.audit.subjects import opened
from broker.audit.vocabulary import OPERATOR_LOG, Event
from broker.clock import microseconds
from broker.crypto.sealing import Sealer
from broker.errors import ConfigurationInvalid
from broker.storage.base import table_of
from broker.storage.engine import Database

DECIDED = frozenset(
    {
        Event.GRANT_PROPOSED,
        Event.GRANT_APPROVED,
        Event.GRANT_AMENDED,
        Event.GRANT_REJECTED,
        Event.ACCESS_REQUESTED,
        Event.ACCESS_RELEASED,
        Event.ACCESS_REFUSED,
    }
)
"""What the policies are asked about."""

_PAGE = 1_000
_ENTRIES, _DETAILS = table_of(EntryRow), table_of(DetailRow)
_ROWS = select(
    _ENTRIES.c.log, _ENTRIES.c.number, _ENTRIES.c.event, _ENTRIES.c.subject, _ENTRIES.c.leaf, _DETAILS.c.sealed
).outerjoin(_DETAILS, and_(_DETAILS.c.log == _ENTRIES.c.log, _DETAILS.c.number == _ENTRIES.c.number))


class Kept(StrEnum):
    """What became of the details of an entry."""

    WHOLE = "kept"
    NONE = "none"
    ERASED = "erased"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Judged:
    """An entry with what it was judged by, as far as that is kept."""

    entry: LoggedEntry
    kept: Kept

    @property
    def context(self) -> Mapping[str, Any] | None:
        """Return what the policies were asked; None when they were not, or when it is not kept."""
        found = self.entry.details.get("context")
        return found if isinstance(found, dict) else None

    @property
    def rules(self) -> tuple[tuple[str, str], ...]:
        """Return id and words of each rule that refused, the one that the caller was told first."""
        return tuple((told["rule"], told["text"]) for told in self.entry.details.get("rules", ()))


@dataclass(frozen=True, slots=True)
class Stretch:
    """The entries of one log from number `first` to before `end`."""

    log: str
    first: int
    end: int


def of_interaction(session: Session, master: Sealer, interaction_id: str, limit: int) -> list[Judged]:
    """Return at most `limit` entries of one interaction in all logs, oldest first."""
    order = (_ENTRIES.c.time_us, _ENTRIES.c.log, _ENTRIES.c.number)
    query = _ROWS.where(_ENTRIES.c.interaction_id == interaction_id).order_by(*order).limit(limit)
    return list(_judged(session, master, query))


def stretches(session: Session, since: datetime, banks: Collection[str] = ()) -> tuple[list[Stretch], list[str]]:
    """Return what stands in the logs of these banks (none named: of all) since an instant, and logs that are gone."""
    logs = select(LogState).where(LogState.owner != OPERATOR_LOG).order_by(LogState.name)
    if banks:
        logs = logs.where(LogState.owner.in_(banks))
    since_us = microseconds(since)
    found = [log for log in session.scalars(logs) if log.size and log.last_time_us >= since_us]
    kept = [log for log in found if not log.is_dropped]
    places = [Stretch(log.name, _first(session, log, since_us), log.size) for log in kept]
    return places, [log.name for log in found if log.is_dropped]


def decided(
    database: Database, master: Sealer, stretch: Stretch, page: int = _PAGE
) -> Iterator[tuple[int, list[Judged]]]:
    """Read the decisions of a stretch by pages, each with how many entries it went on; never more than one is held.

    Each page is a transaction of its own: nothing waits for a reader that takes an hour.
    """
    for first in range(stretch.first, stretch.end, page):
        end = min(first + page, stretch.end)
        place = (_ENTRIES.c.log == stretch.log, _ENTRIES.c.number >= first, _ENTRIES.c.number < end)
        query = _ROWS.where(*place, _ENTRIES.c.event.in_([event.value for event in DECIDED]))
        with database.read() as session:
            found = list(_judged(session, master, query.order_by(_ENTRIES.c.number)))
        yield end - first, found


def _first(session: Session, log: LogState, since_us: int) -> int:
    """Find the first entry since an instant; times only grow in a log."""

    def time_of(number: int) -> int:
        place = (EntryRow.log == log.name, EntryRow.number == number)
        return session.scalar(select(EntryRow.time_us).where(*place)) or 0

    return bisect_left(range(log.size), since_us, key=time_of)


def _judged(session: Session, master: Sealer, query: Select[Any]) -> Iterator[Judged]:
    rows = session.connection().execute(query).all()
    keys = _Keys.of(session, master, {row.subject for row in rows if row.subject})
    for row in rows:
        kept, details = _details(keys, row)
        entry = logged(row, details)
        if kept is Kept.NONE and entry.has_details:
            kept = Kept.ERASED
        yield Judged(entry, kept)


@dataclass(frozen=True, slots=True)
class _Keys:
    """The keys of the details of one page, each opened when it is first needed."""

    master: Sealer
    subjects: Mapping[str, bytes]
    known: dict[str, Sealer] = field(default_factory=dict)

    @classmethod
    def of(cls, session: Session, master: Sealer, names: Iterable[str]) -> "_Keys":
        query = select(SubjectRow.pseudonym, SubjectRow.sealed_key).where(SubjectRow.pseudonym.in_(names))
        return cls(master, {row.pseudonym: row.sealed_key for row in session.execute(query)})

    def sealer(self, subject: str | None) -> Sealer | None:
        """Return what opens the details of a person's entries (None: of nobody's); None when the key was erased."""
        if subject is None:
            return self.master
        if subject not in self.known and subject in self.subjects:
            self.known[subject] = opened(self.master, subject, self.subjects[subject])
        return self.known.get(subject)


def _details(keys: _Keys, row: Row[Any]) -> tuple[Kept, dict[str, Any]]:
    if row.sealed is None:
        return Kept.NONE, {}
    try:
        sealer = keys.sealer(row.subject)
        return (Kept.NONE, {}) if sealer is None else (Kept.WHOLE, disclosed(sealer, row.log, row.number, row.sealed))
    except ConfigurationInvalid:  # another key file, or altered bytes: to be told, not to end everything
        return Kept.UNREADABLE, {}
