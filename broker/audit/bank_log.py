"""Reads the logs of one bank for its own staff: a span of time, a filter, one entry; newest first.

Trusted for isolation: every question here begins with the bank's own logs, and goes no further. The entries of one log
stand in the order of their times, so that a span of time is found by a few looks at the primary key, whatever its size.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Row, Select, select
from sqlalchemy.orm import Session

from broker.audit.models import EntryRow, LogState, SubjectRow
from broker.audit.reader import LoggedEntry, logged
from broker.clock import microseconds
from broker.errors import NotFound

_CHUNK = 500
_NEAR = 10_000  # an app may give one interaction id to many accesses; the steps of one stand near each other
_LARGEST_NUMBER = 2**63 - 1
_COLUMNS = (
    EntryRow.log,
    EntryRow.number,
    EntryRow.time_us,
    EntryRow.event,
    EntryRow.subject,
    EntryRow.grant_id,
    EntryRow.interaction_id,
    EntryRow.leaf,
    EntryRow.leaf_hash,
)


@dataclass(frozen=True, slots=True)
class Span:
    """Entries of one log that follow each other: from number `first` to the one before number `end`."""

    log: str
    first: int
    end: int

    @property
    def size(self) -> int:
        """Return how many entries there are."""
        return max(0, self.end - self.first)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter: what is None narrows nothing. `since` is included, `until` is not.

    `subjects` are pseudonyms; an empty set of them is nobody, and finds nothing.
    """

    since: datetime | None = None
    until: datetime | None = None
    platform: str | None = None
    category: str | None = None
    purpose: str | None = None
    decision: str | None = None
    reason: str | None = None
    event: str | None = None
    grant: str | None = None
    subjects: frozenset[str] | None = None

    def fits(self, entry: LoggedEntry) -> bool:
        """Say whether an entry is one of those that are looked for; its time is the span's matter."""
        facts = {
            "platform": entry.platform_id,
            "category": entry.category,
            "purpose": entry.purpose,
            "decision": entry.decision,
            "event": entry.event.value,
            "grant": entry.grant_id,
        }
        if any(getattr(self, name) not in {None, fact} for name, fact in facts.items()):
            return False
        return self.reason is None or self.reason in entry.reasons


@dataclass(frozen=True, slots=True)
class After:
    """Where a reading stopped: the last part of the log's name, and the number of the last entry looked at."""

    year: str
    number: int


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows that fit, newest first, of `looked_at` entries. `older` continues where they end, None at the end."""

    rows: list[Row[Any]]
    looked_at: int
    older: After | None


def spans(session: Session, bank_id: str, since: datetime | None, until: datetime | None) -> list[Span]:
    """Return what lies in a span of time in a bank's own logs, the newest log first; dropped logs are left out.

    It costs some 40 rows a log, each found by the primary key.
    """
    found = session.execute(
        select(LogState.name, LogState.size)
        .where(LogState.owner == bank_id)
        .where(LogState.is_dropped.is_(False), LogState.size > 0)
        .order_by(LogState.is_current.desc(), LogState.last_time_us.desc(), LogState.name.desc())
    ).all()
    bounds = [
        Span(
            name,
            0 if since is None else _first_at(session, name, size, microseconds(since)),
            size if until is None else _first_at(session, name, size, microseconds(until)),
        )
        for name, size in found
    ]
    return [span for span in bounds if span.size]


def matching(session: Session, bank_id: str, wanted: Wanted, *, before: After | None, rows: int, most: int) -> Slice:
    """Return at most `rows` entries of a bank that fit, after having looked at no more than `most`."""
    found: list[Row[Any]] = []
    looked_at = 0
    for row in _newest_first(session, spans(session, bank_id, wanted.since, wanted.until), wanted, before):
        if len(found) == rows or looked_at == most:
            return Slice(found, looked_at, before)
        looked_at, before = looked_at + 1, After(row.log.rpartition("/")[2], row.number)
        if wanted.fits(logged(row, {})):
            found.append(row)
    return Slice(found, looked_at, None)


def entry_at(session: Session, bank_id: str, year: str, number: int) -> Row[Any]:
    """Return one entry of a bank's own logs; `year` is the last part of the log's name.

    Raises:
        NotFound: the bank has no such log, or the log no such entry, or not any more.
    """
    names = session.scalars(select(LogState.name).where(LogState.owner == bank_id))
    log = next((name for name in names if name.rpartition("/")[2] == year), None)
    if log is not None and number <= _LARGEST_NUMBER:
        found = session.execute(_entries().where(EntryRow.log == log, EntryRow.number == number)).first()
        if found is not None:
            return found
    raise NotFound("There is no such entry in the logs of this bank.")


def of_same_access(session: Session, row: Row[Any]) -> list[Row[Any]]:
    """Return the entries of one access, oldest first: how it began and how it ended. Of anything else, itself alone."""
    access = json.loads(row.leaf).get("access")
    if access is None or row.interaction_id is None:
        return [row]
    same = _entries().where(EntryRow.interaction_id == row.interaction_id, EntryRow.log == row.log)
    near = same.where(EntryRow.number >= row.number - _NEAR, EntryRow.number <= row.number + _NEAR)
    found = session.execute(near.order_by(EntryRow.number).limit(_NEAR))
    return [one for one in found if json.loads(one.leaf).get("access") == access]


def pseudonyms(session: Session, bank_id: str, word: str, user_id: str | None) -> frozenset[str]:
    """Return the pseudonyms of a customer of this bank: `word` may be one itself, `user_id` is who the bank means."""
    about = SubjectRow.pseudonym == word if user_id is None else SubjectRow.user_id == user_id
    return frozenset(session.scalars(select(SubjectRow.pseudonym).where(SubjectRow.bank_id == bank_id, about)))


def people(session: Session, bank_id: str, subjects: set[str]) -> dict[str, str]:
    """Return the users behind pseudonyms of this bank, as far as they have not been erased."""
    about = (SubjectRow.bank_id == bank_id, SubjectRow.pseudonym.in_(subjects))
    return dict(session.execute(select(SubjectRow.pseudonym, SubjectRow.user_id).where(*about)).all())


def _entries() -> Select[Any]:
    return cast("Select[Any]", select(*_COLUMNS))


def _newest_first(session: Session, found: list[Span], wanted: Wanted, before: After | None) -> Iterator[Row[Any]]:
    if before is not None:
        found = _from(found, before)
    for span in found:
        narrowed = _narrowed(wanted)
        if narrowed is not None:
            # By the index of the grant or the person: without a column of its own on the left, the primary key, which
            # SQLite would rather take, and with it the whole span, is out of the question.
            query = _entries().where(narrowed, EntryRow.log.concat("") == span.log)
            within = query.where(EntryRow.number >= span.first, EntryRow.number < span.end)
            yield from session.execute(within.order_by(EntryRow.time_us.desc(), EntryRow.number.desc()))
            continue
        end = span.end
        while end > span.first:
            first = max(span.first, end - _CHUNK)
            within = _entries().where(EntryRow.log == span.log, EntryRow.number >= first, EntryRow.number < end)
            yield from session.execute(within.order_by(EntryRow.number.desc()))
            end = first


def _narrowed(wanted: Wanted) -> ColumnElement[bool] | None:
    if wanted.subjects is not None:
        return EntryRow.subject.in_(wanted.subjects)
    return None if wanted.grant is None else EntryRow.grant_id == wanted.grant


def _from(found: list[Span], before: After) -> list[Span]:
    """Cut off what stands before a place; a log that is not there (any more) leaves nothing."""
    logs = [span.log.rpartition("/")[2] for span in found]
    if before.year not in logs:
        return []
    first, *others = found[logs.index(before.year) :]
    return [Span(first.log, first.first, min(first.end, before.number)), *others]


def _first_at(session: Session, log: str, size: int, time_us: int) -> int:
    """Return the number of the first entry that is not older than an instant; `size` when all are."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        query = select(EntryRow.time_us).where(EntryRow.log == log, EntryRow.number >= middle)
        found = session.scalar(query.order_by(EntryRow.number).limit(1))
        if found is not None and found < time_us:
            low = middle + 1
        else:
            high = middle
    return low
