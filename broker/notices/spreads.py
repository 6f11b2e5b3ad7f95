"""Asks that everybody be told whom one act concerns: the act's transaction writes one row, the worker goes through it.

Millions may have to be told that a bank has switched an app off; the switch must not wait for that.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from broker.notices.models import SpreadRow
from broker.notices.vocabulary import What
from broker.storage.base import new_id


@dataclass(frozen=True, slots=True)
class Reach:
    """Whose grants an act concerns: those of a bank, a platform, a category; an empty part stands for all of them."""

    bank_id: str = ""
    platform_id: str = ""
    category: str = ""


@dataclass(frozen=True, slots=True)
class Spread:
    """An act of which people are being told; `after` is the grant whose person was told last, `side` who did it."""

    id: str
    what: What
    reach: Reach
    side: str
    after: str
    created_at: datetime


def ask(session: Session, what: What, reach: Reach, now: datetime, *, side: str = "") -> None:
    """Ask, in the transaction of the act, that the people of all these grants be told."""
    session.add(
        SpreadRow(
            id=new_id(now),
            what=what.value,
            bank_id=reach.bank_id,
            platform_id=reach.platform_id,
            category=reach.category,
            by=side,
            after="",
            created_at=now,
        )
    )


def first(session: Session) -> Spread | None:
    """Return the act that has waited longest, locked; None when nobody is left to be told of anything.

    Whoever comes meanwhile waits for it: a later act, such as the same switch turned on again, is told of later.
    """
    query = select(SpreadRow).order_by(SpreadRow.id).limit(1)
    row = session.scalars(query.with_for_update()).first()
    if row is None:
        return None
    reach = Reach(row.bank_id, row.platform_id, row.category)
    return Spread(row.id, What(row.what), reach, row.by, row.after, row.created_at)


def go_on(session: Session, spread: Spread, after: str | None) -> None:
    """Remember how far it has come; None when everybody has been told."""
    if after is None:
        session.execute(delete(SpreadRow).where(SpreadRow.id == spread.id))
    else:
        session.get_one(SpreadRow, spread.id).after = after
