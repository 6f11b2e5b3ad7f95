"""Holds: a platform that broke a budget gets no more of that category, at any bank, until the operator has looked.

Trusted: a hold and its entries in the logs commit together; it is never placed or lifted silently.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from broker.audit.sequencer import Sequencer
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.errors import LogUnavailable, NotFound
from broker.harvest.models import HarvestTallyRow, HoldRow
from broker.harvest.tallies import Reading
from broker.notices.spreads import Reach, ask
from broker.notices.vocabulary import What
from broker.policy.harvest import Room
from broker.policy.reasons import readable
from broker.storage.base import new_id

_LONGEST_REASON = 500
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold that stands: which budget the platform broke, what was counted and what would have been ordinary."""

    platform_id: str
    category: str
    budget: str
    counted: int
    ceiling: int
    placed_at: datetime


def holds(session: Session) -> list[Hold]:
    """Return the holds that stand, oldest first."""
    query = select(HoldRow).where(HoldRow.lifted_at.is_(None)).order_by(HoldRow.placed_at, HoldRow.id)
    return [
        Hold(row.platform_id, row.category, row.budget, row.counted, row.ceiling, row.placed_at)
        for row in session.scalars(query)
    ]


def holds_at(session: Session, bank_id: str) -> list[Hold]:
    """Return the holds of what was read at a bank."""
    query = select(HarvestTallyRow.platform_id, HarvestTallyRow.category).where(HarvestTallyRow.bank_id == bank_id)
    read = {(row.platform_id, row.category) for row in session.execute(query)}
    return [hold for hold in holds(session) if (hold.platform_id, hold.category) in read]


def place(sequencer: Sequencer, broken: Room, reading: Reading) -> None:
    """Hold a category of a platform, and say so in the log of every bank where it was read, and in the operator's.

    Never call it inside a transaction or behind a fence. When it is held already nothing happens.

    Raises:
        LogUnavailable: it could not be written; the budget stays broken, so the next call tries again.
    """
    platform_id, category, bank_id = reading.platform_id, reading.category, reading.bank_id
    hold = Hold(platform_id, category, broken.budget.code, broken.count, broken.ceiling, reading.at)
    banks = sequencer.look_up(lambda session: _banks(session, platform_id, category))
    is_new = None
    try:
        while is_new is None:
            is_new = _place(sequencer, hold, [*sorted({*banks, bank_id}), None])
            if is_new is None:  # it was read at another bank since: its log must say it too
                banks = sequencer.look_up(lambda session: _banks(session, platform_id, category))
    except LogUnavailable:
        # Another bank's log cannot be written. The hold counts there all the same; its log is told by nobody later.
        is_new = _place(sequencer, hold, [bank_id, None], in_all=False)
        _log.error("harvest.held_unlogged", banks=sorted(set(banks) - {bank_id}), category=category)
    if is_new:  # whom it concerns has become a fact of this request's lines with the entries
        budget, counted, ceiling = hold.budget, hold.counted, hold.ceiling
        _log.error("harvest.held", category=category, budget=budget, counted=counted, ceiling=ceiling)


def lift(sequencer: Sequencer, platform_id: str, category: str, because: str, now: datetime) -> None:
    """End a hold, with a reason that stands in the same logs; what was counted until now counts no longer.

    Raises:
        InvalidRequest: there is no reason, it is too long or not readable.
        NotFound: this category of this platform is not held.
        LogUnavailable: a log could not be written; the hold stands.
    """
    because = readable(because, _LONGEST_REASON)
    banks = sequencer.look_up(lambda session: _banks(session, platform_id, category))
    logs = [*sorted(banks), None]
    with sequencer.transaction(logs) as transaction:
        session = transaction.session
        rows = list(session.scalars(_rows(platform_id, category)))
        if not rows:
            raise NotFound("This category of this platform is not held.")
        for row in rows:
            row.lifted_at, row.lifted_because = now, because
        tallies = (HarvestTallyRow.platform_id == platform_id, HarvestTallyRow.category == category)
        session.execute(delete(HarvestTallyRow).where(*tallies))
        ask(session, What.APP_FREED, Reach(platform_id=platform_id, category=category), now)
        for entry in _entries(Event.PLATFORM_UNHELD, platform_id, category, logs):
            transaction.append(replace(entry, details={"reason": because}))


def _place(sequencer: Sequencer, hold: Hold, logs: Sequence[str | None], *, in_all: bool = True) -> bool | None:
    """Write the hold, unless another call was first. The operator's log is always among them: its lock decides.

    None when it has to stand `in_all` logs concerned and one is missing; nothing is written then.
    """
    with sequencer.transaction(logs) as transaction:
        session = transaction.session
        if session.scalars(_rows(hold.platform_id, hold.category)).first() is not None:
            return False
        if in_all and not set(_banks(session, hold.platform_id, hold.category)) <= set(logs):
            return None
        session.add(
            HoldRow(
                id=new_id(hold.placed_at),
                platform_id=hold.platform_id,
                category=hold.category,
                budget=hold.budget,
                counted=hold.counted,
                ceiling=hold.ceiling,
                placed_at=hold.placed_at,
            )
        )
        ask(session, What.APP_HELD, Reach(platform_id=hold.platform_id, category=hold.category), hold.placed_at)
        for entry in _entries(Event.PLATFORM_HELD, hold.platform_id, hold.category, logs, hold):
            transaction.append(entry)
    return True


def _entries(
    event: Event, platform_id: str, category: str, logs: Sequence[str | None], hold: Hold | None = None
) -> Iterator[Entry]:
    """Describe a hold or its end to each log. A bank learns which budget it was, not how much others were read."""
    for bank_id in logs:
        stated: dict[str, object] = {"budget": hold.budget} if hold else {}
        if hold and bank_id is None:
            stated |= {"counted": hold.counted, "ceiling": hold.ceiling}
        yield Entry(
            event,
            Initiator.DATA_ACCESS_PLATFORM,
            bank_id=bank_id,
            platform_id=platform_id,
            category=category,
            stated=stated,
        )


def _rows(platform_id: str, category: str) -> Select[HoldRow]:
    return select(HoldRow).where(
        HoldRow.platform_id == platform_id, HoldRow.category == category, HoldRow.lifted_at.is_(None)
    )


def _banks(session: Session, platform_id: str, category: str) -> list[str]:
    query = select(HarvestTallyRow.bank_id).where(
        HarvestTallyRow.platform_id == platform_id, HarvestTallyRow.category == category
    )
    return list(session.scalars(query))
