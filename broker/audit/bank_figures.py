"""Counts what a bank's log says of a span of days: reads, refusals, and what became of requests for permission."""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from broker.audit.bank_log import Span, spans
from broker.audit.models import EntryRow
from broker.audit.vocabulary import Event, Initiator

MOST_COUNTED = 20_000
"""More entries than these are not looked at for one answer: then the newest count, and the answer says so."""
_AMENDMENT = "amendment"
_ENDS = {"unapproved": "abandoned", "unclaimed": "unclaimed"}


@dataclass(slots=True)
class Funnel:
    """What became of requests for permission. Each number counts what happened in the span, whenever it was asked."""

    asked: int = 0
    given: int = 0
    refused: int = 0
    rejected: int = 0
    abandoned: int = 0
    unclaimed: int = 0
    ended_by_person: int = 0
    ended_by_app: int = 0
    ended_by_rules: int = 0
    expired: int = 0
    changed: int = 0

    @property
    def is_empty(self) -> bool:
        """Say whether nothing happened."""
        return not any(getattr(self, name) for name in self.__slots__)


@dataclass(slots=True)
class Figures:
    """The counts of a span. `is_cut`: it held too many entries, and only those since `counted_from` count."""

    looked_at: int = 0
    is_cut: bool = False
    counted_from: datetime | None = None
    reads: Counter[tuple[date, str, str]] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    failures: int = 0
    funnel: Funnel = field(default_factory=Funnel)


def figures(session: Session, bank_id: str, since: datetime, until: datetime, most: int = MOST_COUNTED) -> Figures:
    """Count a span of a bank's own logs, newest first; at most `most` entries, by their primary key."""
    found = Figures()
    for span in spans(session, bank_id, since, until):
        room = most - found.looked_at
        found.is_cut = span.size > room
        _count(session, Span(span.log, max(span.first, span.end - room), span.end), found)
        if found.is_cut:
            break
    return found


def _count(session: Session, span: Span, found: Figures) -> None:
    query = select(EntryRow.time_us, EntryRow.event, EntryRow.leaf).where(
        EntryRow.log == span.log, EntryRow.number >= span.first, EntryRow.number < span.end
    )
    found.looked_at += span.size
    rows = session.execute(query.order_by(EntryRow.number).execution_options(yield_per=1_000))
    for place, row in enumerate(rows):
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=row.time_us)
        if place == 0:
            found.counted_from = at
        if row.event != Event.ACCESS_REQUESTED.value:
            _add(found, Event(row.event), at, json.loads(row.leaf))


def _add(found: Figures, event: Event, at: datetime, leaf: dict[str, Any]) -> None:
    if event is Event.ACCESS_RELEASED:
        found.reads[at.date(), leaf.get("category", ""), leaf.get("platform", "")] += 1
    elif event is Event.ACCESS_REFUSED:
        found.refusals[next(iter(leaf.get("reasons", ())), "")] += 1
    elif event is Event.ACCESS_FAILED:
        found.failures += 1
    elif event is Event.GRANT_AMENDED:
        found.funnel.changed += 1
    elif leaf.get("part") != _AMENDMENT:
        _add_consent(found.funnel, event, leaf)


def _add_consent(funnel: Funnel, event: Event, leaf: dict[str, Any]) -> None:
    reason = next(iter(leaf.get("reasons", ())), "")
    name = {
        Event.GRANT_PROPOSED: "asked",
        Event.GRANT_APPROVED: "given",
        Event.GRANT_REFUSED: "refused",
        Event.GRANT_REJECTED: "rejected",
        Event.GRANT_EXPIRED: _ENDS.get(reason, "expired"),
        Event.GRANT_REVOKED: _ended_by(leaf.get("initiator")),
    }.get(event)
    if name is not None:
        setattr(funnel, name, getattr(funnel, name) + 1)


def _ended_by(initiator: str | None) -> str:
    names = {Initiator.INDIVIDUAL.value: "ended_by_person", Initiator.DATA_RECIPIENT.value: "ended_by_app"}
    return names.get(initiator or "", "ended_by_rules")
