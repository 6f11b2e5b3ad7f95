"""Reads the log for those it concerns: a person their own entries, a bank those of its customers."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, func, select, tuple_
from sqlalchemy.orm import Session

from broker.audit.models import IS_SWITCH, DetailRow, EntryRow, LogState, SubjectRow
from broker.audit.subjects import opened
from broker.audit.vocabulary import Event, Initiator
from broker.clock import microseconds
from broker.crypto.sealing import Sealer
from broker.tlog.disclosure import DIGESTS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TOLD_OF_SWITCHES = ("reason",)
_TOLD_OF_CALLS = ("endpoint", "rules")
_ACCESSES = [
    event.value for event in (Event.ACCESS_REQUESTED, Event.ACCESS_RELEASED, Event.ACCESS_REFUSED, Event.ACCESS_FAILED)
]
_AT_ONCE = 500
"""Of so many entries one question asks for the details."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stands among those of several logs: its time (µs since 1970), its log, its number."""

    time_us: int
    log: str
    number: int


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """One entry as it is read back. `details` is empty when it was erased or is not the reader's to see.

    `attended` is the platform's word whether the person was there, None where nobody was asked. `reach` says of a
    switch whether it is about the log's own bank or about all. `has_details` says whether the entry commits to
    details, be they erased or not. `closed` counts the accounts that the bank had no longer. `policy_change` is what a
    change of policies says openly.
    """

    log: str
    number: int
    at: datetime
    bank_id: str
    event: Event
    initiator: Initiator
    decision: str
    subject: str | None
    platform_id: str | None
    grant_id: str | None
    category: str | None
    purpose: str | None
    interaction_id: str | None
    policy_digest: str | None
    reasons: tuple[str, ...]
    records: int | None
    accounts: int | None
    attended: bool | None
    details: Mapping[str, Any]
    reach: str | None = None
    has_details: bool = False
    closed: int | None = None
    policy_change: Mapping[str, Any] | None = None

    @property
    def place(self) -> Place:
        """Return where the entry stands."""
        return Place(microseconds(self.at), self.log, self.number)


@dataclass(frozen=True, slots=True)
class Page:
    """At most `limit` entries, newest first, that stand before a place (None: from the newest)."""

    limit: int = 200
    before: Place | None = None


def of_user(
    session: Session, master: Sealer, user_id: str, page: Page, banks: Collection[str] = ()
) -> list[LoggedEntry]:
    """Return the entries about one person at all their banks, newest first, with details.

    Of the logs of `banks` also every switch, with the reason but not with who did it, and every change of policies,
    with what stands openly in it.
    """
    subjects = list(session.scalars(select(SubjectRow).where(SubjectRow.user_id == user_id)))
    query = select(EntryRow).where(EntryRow.subject.in_([row.pseudonym for row in subjects]))
    own = list(_read(session, master, query, page, subjects))
    if not banks:
        return own
    flips = [
        replace(entry, details={name: entry.details[name] for name in _TOLD_OF_SWITCHES if name in entry.details})
        for entry in _read(session, master, _switches(banks), page, ())
    ]
    changes = [replace(entry, details={}) for entry in _read(session, master, _policy_changes(banks), page, ())]
    newest = sorted((*own, *flips, *changes), key=lambda entry: (entry.at, entry.log, entry.number), reverse=True)
    return newest[: page.limit]


def switches_at(session: Session, master: Sealer, bank_id: str, limit: int) -> list[LoggedEntry]:
    """Return what was turned off and on in a bank's logs, newest first, with reasons and names."""
    return list(_read(session, master, _switches([bank_id]), Page(limit), ()))


def policy_changes_at(session: Session, bank_id: str, limit: int) -> list[LoggedEntry]:
    """Return the changes of policies in a bank's logs, newest first, with what stands openly in them."""
    newest = _policy_changes([bank_id]).order_by(EntryRow.time_us.desc(), EntryRow.log.desc(), EntryRow.number.desc())
    return [logged(row, {}) for row in session.scalars(newest.limit(limit))]


def of_bank(session: Session, master: Sealer, bank_id: str, page: Page) -> list[LoggedEntry]:
    """Return the entries of one bank's logs, newest first, with details: its own customers and nobody else."""
    logs = select(LogState.name).where(LogState.owner == bank_id)
    query = select(EntryRow).where(EntryRow.log.in_(logs))
    return list(_read(session, master, query, page, None))


def of_platform(session: Session, master: Sealer, platform_id: str, page: Page) -> list[LoggedEntry]:
    """Return the accesses of one platform at all banks, newest first, with no details but the endpoint and the rules.

    They are found by the pseudonyms that people have towards this platform alone: nothing of another platform is among
    them, and what was erased no longer is.
    """
    own = select(SubjectRow.pseudonym).where(SubjectRow.platform_id == platform_id)
    query = select(EntryRow).where(EntryRow.subject.in_(own), EntryRow.event.in_(_ACCESSES))
    return [
        replace(entry, details={name: entry.details[name] for name in _TOLD_OF_CALLS if name in entry.details})
        for entry in _read(session, master, query, page, None)
    ]


def acts_of_user(session: Session, user_id: str, events: Collection[Event], limit: int = 500) -> list[LoggedEntry]:
    """Return the newest entries of these kinds about one person at all their banks, newest first, without details."""
    own = select(SubjectRow.pseudonym).where(SubjectRow.user_id == user_id)
    query = select(EntryRow).where(EntryRow.subject.in_(own), EntryRow.event.in_([event.value for event in events]))
    newest = query.order_by(EntryRow.time_us.desc(), EntryRow.log.desc(), EntryRow.number.desc()).limit(limit)
    return [logged(row, {}) for row in session.scalars(newest)]


def outcomes_of_user(session: Session, user_id: str, since_at: datetime) -> Counter[tuple[date, str, bool]]:
    """Count how accesses to one person's data ended since then, by day (UTC), category, and whether data left.

    What was refused before anybody looked at what was wanted has no category.
    """
    own = select(SubjectRow.pseudonym).where(SubjectRow.user_id == user_id)
    query = select(EntryRow.time_us, EntryRow.event, EntryRow.leaf).where(
        EntryRow.subject.in_(own),
        EntryRow.time_us >= microseconds(since_at),
        EntryRow.event.in_([Event.ACCESS_RELEASED.value, Event.ACCESS_REFUSED.value, Event.ACCESS_FAILED.value]),
    )
    return Counter(
        (
            (_EPOCH + timedelta(microseconds=row.time_us)).date(),
            json.loads(row.leaf).get("category") or "",
            row.event == Event.ACCESS_RELEASED.value,
        )
        for row in session.execute(query)
    )


def tail(session: Session, *, after: Mapping[str, int], limit: int = 500) -> list[LoggedEntry]:
    """Return entries of all logs, oldest first, without details.

    Of a log in `after` those that follow the number named there, of any other the newest `limit`.
    """
    found: list[LoggedEntry] = []
    for name in session.scalars(select(LogState.name).order_by(LogState.name)):
        query = select(EntryRow).where(EntryRow.log == name, EntryRow.number > after.get(name, -1))
        order = EntryRow.number.asc() if name in after else EntryRow.number.desc()
        found += [logged(row, {}) for row in session.scalars(query.order_by(order).limit(limit))]
    return sorted(found, key=lambda entry: (entry.at, entry.log, entry.number))


def newest_at(session: Session) -> datetime | None:
    """Return the time of the newest entry of all logs, None when nothing has been logged."""
    newest_us = session.scalar(select(func.max(LogState.last_time_us)).where(LogState.size > 0))
    return None if newest_us is None else _EPOCH + timedelta(microseconds=newest_us)


def _switches(banks: Collection[str]) -> Select[EntryRow]:
    logs = select(LogState.name).where(LogState.owner.in_(banks))
    return select(EntryRow).where(EntryRow.log.in_(logs), IS_SWITCH)


def _policy_changes(banks: Collection[str]) -> Select[EntryRow]:
    """Find them among the few entries that are about nobody, by the index that begins with whom an entry is about."""
    logs = select(LogState.name).where(LogState.owner.in_(banks))
    return select(EntryRow).where(
        EntryRow.subject.is_(None), EntryRow.event == Event.POLICY_CHANGED.value, EntryRow.log.in_(logs)
    )


def _read(
    session: Session, master: Sealer, query: Any, page: Page, subjects: Sequence[SubjectRow] | None
) -> Iterator[LoggedEntry]:
    order = (EntryRow.time_us, EntryRow.log, EntryRow.number)
    if page.before is not None:
        before = (page.before.time_us, page.before.log, page.before.number)
        query = query.where(tuple_(*order) < before)
    rows = list(session.scalars(query.order_by(*(column.desc() for column in order)).limit(page.limit)))
    yield from with_details(session, master, rows, subjects)


def with_details(
    session: Session, master: Sealer, rows: Sequence[EntryRow | Row[Any]], subjects: Sequence[SubjectRow] | None = None
) -> Iterator[LoggedEntry]:
    """Yield entries with what can be opened of their details; `subjects` are the people, where they are known."""
    if subjects is None:
        names = {row.subject for row in rows if row.subject}
        subjects = list(session.scalars(select(SubjectRow).where(SubjectRow.pseudonym.in_(names))))
    sealers = {row.pseudonym: opened(master, row.pseudonym, row.sealed_key) for row in subjects}
    sealed = _sealed_details(session, rows)
    for row in rows:
        detail = sealed.get((row.log, row.number))
        sealer = sealers.get(row.subject) if row.subject else master
        details: dict[str, Any] = {}
        if detail is not None and sealer is not None:
            details = disclosed(sealer, row.log, row.number, detail)
        yield logged(row, details)


def _sealed_details(session: Session, rows: Sequence[EntryRow | Row[Any]]) -> dict[tuple[str, int], bytes]:
    """Return what is sealed of these entries, by log and number; a few questions for a page of any length."""
    numbers: dict[str, list[int]] = {}
    for row in rows:
        numbers.setdefault(row.log, []).append(row.number)
    found: dict[tuple[str, int], bytes] = {}
    for log, wanted in numbers.items():
        for first in range(0, len(wanted), _AT_ONCE):
            some = wanted[first : first + _AT_ONCE]
            query = select(DetailRow.number, DetailRow.sealed).where(DetailRow.log == log, DetailRow.number.in_(some))
            found.update(((log, number), sealed) for number, sealed in session.execute(query))
    return found


def disclosed(sealer: Sealer, log: str, number: int, sealed: bytes) -> dict[str, Any]:
    """Open the details of an entry.

    Raises:
        ConfigurationInvalid: they do not open with this key.
    """
    told = json.loads(sealer.open(sealed, f"audit_details/{log}/{number}"))
    # Details from before the log was a tree rest without salts.
    return told if isinstance(told, dict) else {name: value for _salt, name, value in told}


def logged(row: EntryRow | Row[Any], details: Mapping[str, Any]) -> LoggedEntry:
    """Return an entry as it is read back, out of its row."""
    leaf = json.loads(row.leaf)
    return LoggedEntry(
        log=row.log,
        number=row.number,
        at=_EPOCH + timedelta(microseconds=leaf["time"]),
        bank_id=row.log.split("/")[-2],  # <host>/audit/<bank or operator>/<year>
        event=Event(leaf["event"]),
        initiator=Initiator(leaf["initiator"]),
        decision=leaf["decision"],
        subject=leaf.get("subject"),
        platform_id=leaf.get("platform"),
        grant_id=leaf.get("grant"),
        category=leaf.get("category"),
        purpose=leaf.get("purpose"),
        interaction_id=leaf.get("interactionId"),
        policy_digest=leaf.get("policy"),
        reasons=tuple(leaf.get("reasons", ())),
        records=leaf.get("records"),
        accounts=leaf.get("accounts"),
        attended=leaf.get("attended"),
        details=details,
        reach=leaf.get("reach"),
        has_details=DIGESTS in leaf,
        closed=leaf.get("closed"),
        policy_change=leaf.get("policyChange"),
    )
