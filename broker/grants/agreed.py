"""Counts the people who agreed, and their live grants: what harvest limits measure a platform by, and banks look at."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVarTuple

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from broker.grants.models import GrantCategoryRow, GrantRow
from broker.policy.vocabulary import ClusterState, GrantStatus

Row = TypeVarTuple("Row")
_PEOPLE = func.count(GrantRow.user_id.distinct())
_AGREED = (GrantStatus.ACTIVE.value, GrantStatus.PAUSED.value)


def people_who_agreed(session: Session, platform_id: str, category: str, now: datetime) -> int:
    """Return how many people share a category with a platform now, at all banks; a pause does not count as an end."""
    of_platform = (GrantRow.platform_id == platform_id, GrantCategoryRow.name == category)
    return session.scalar(_live(select(_PEOPLE), now).where(*of_platform)) or 0


@dataclass(frozen=True, slots=True)
class Shared:
    """How many live grants have a category, in how many of them it is paused, and how many people gave them."""

    grants: int
    paused: int
    people: int


def shared_at(session: Session, bank_id: str, now: datetime) -> dict[tuple[str, str], Shared]:
    """Return what people of a bank share now, by platform and category.

    It touches the live grants of all banks: their index has no bank.
    """
    is_paused = (GrantRow.status == GrantStatus.PAUSED.value) | (GrantCategoryRow.state == ClusterState.PAUSED.value)
    paused = func.sum(case((is_paused, 1), else_=0))
    query = _live(select(GrantRow.platform_id, GrantCategoryRow.name, func.count(), paused, _PEOPLE), now)
    rows = session.execute(
        query.where(GrantRow.bank_id == bank_id).group_by(GrantRow.platform_id, GrantCategoryRow.name)
    )
    return {(platform_id, category): Shared(*counts) for platform_id, category, *counts in rows}


def _live(query: Select[*Row], now: datetime) -> Select[*Row]:
    return query.join(GrantCategoryRow, GrantCategoryRow.grant_id == GrantRow.id).where(
        GrantRow.status.in_(_AGREED),
        GrantRow.expires_at > now,
        GrantCategoryRow.state != ClusterState.REVOKED.value,
    )
