"""Counts the live grants at a bank that a change of the bank's facts would touch, before it is made."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from broker.grants.models import GrantCategoryRow, GrantRow
from broker.policy.facts import Change
from broker.policy.vocabulary import ClusterState, GrantStatus

_LIVE = [GrantStatus.ACTIVE.value, GrantStatus.PAUSED.value]
_OF_TERMS = {"maximum_lookback_days": "lookbackDays", "maximum_frequency_per_day": "frequencyPerDay"}
"""The figures by which live grants are cut down, and their names in the grants' terms."""


@dataclass(frozen=True, slots=True)
class Affected:
    """How many live grants there are, how many a change touches, and how many each part of it does.

    `parts` maps the name of a category, a purpose or a figure to its number.
    """

    live: int
    touched: int
    parts: dict[str, int]


def affected(session: Session, bank_id: str, change: Change, now: datetime) -> Affected:
    """Count what a change would do to the live grants at a bank: stop, cut down, or let go on."""
    conditions = _conditions(change)
    return Affected(
        live=_count(session, bank_id, now),
        touched=_count(session, bank_id, now, or_(*conditions.values())) if conditions else 0,
        parts={name: _count(session, bank_id, now, condition) for name, condition in conditions.items()},
    )


def _conditions(change: Change) -> dict[str, ColumnElement[bool]]:
    found = {name: _shares(name) for name in (*change.removed_categories, *change.added_categories)}
    found |= {code: GrantRow.purpose == code for code in (*change.removed_purposes, *change.added_purposes)}
    for name, (before, after) in change.figures.items():
        if name in _OF_TERMS:  # what a grant says beyond the smaller of the two is cut off, or no longer is
            found[name] = GrantRow.terms[_OF_TERMS[name]].as_integer() > min(before, after)
    return found


def _shares(category: str) -> ColumnElement[bool]:
    row = GrantCategoryRow
    shared = and_(row.grant_id == GrantRow.id, row.name == category, row.state != ClusterState.REVOKED.value)
    return select(row.grant_id).where(shared).exists()


def _count(session: Session, bank_id: str, now: datetime, *conditions: ColumnElement[bool]) -> int:
    live = [GrantRow.bank_id == bank_id, GrantRow.status.in_(_LIVE), GrantRow.expires_at > now]
    return session.scalar(select(func.count()).select_from(GrantRow).where(*live, *conditions)) or 0
