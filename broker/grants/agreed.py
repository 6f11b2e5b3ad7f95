"""Counts the people who agreed, and their live grants: what harvest limits measure a platform by, and banks look at."""

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


def people_who_agreed_at(session: Session, bank_id: str, now: datetime) -> dict[tuple[str, str], int]:
    """Return how many people of a bank share each category with each platform now, by platform and category."""
    query = _live(select(GrantRow.platform_id, GrantCategoryRow.name, _PEOPLE), now)
    rows = session.execute(
        query.where(GrantRow.bank_id == bank_id).group_by(GrantRow.platform_id, GrantCategoryRow.name)
    )
    return {(platform_id, category): people for platform_id, category, people in rows}


def live_grants_at(session: Session, bank_id: str, now: datetime) -> dict[tuple[str, str], tuple[int, int]]:
    """Return how many live grants of a bank have each category, and in how many of them it is paused.

    By platform and category. It touches the live grants of all banks: their index has no bank.
    """
    is_paused = (GrantRow.status == GrantStatus.PAUSED.value) | (GrantCategoryRow.state == ClusterState.PAUSED.value)
    paused = func.sum(case((is_paused, 1), else_=0))
    query = _live(select(GrantRow.platform_id, GrantCategoryRow.name, func.count(), paused), now)
    rows = session.execute(
        query.where(GrantRow.bank_id == bank_id).group_by(GrantRow.platform_id, GrantCategoryRow.name)
    )
    return {(platform_id, category): (grants, paused) for platform_id, category, grants, paused in rows}


def _live(query: Select[*Row], now: datetime) -> Select[*Row]:
    return query.join(GrantCategoryRow, GrantCategoryRow.grant_id == GrantRow.id).where(
        GrantRow.status.in_(_AGREED),
        GrantRow.expires_at > now,
        GrantCategoryRow.state != ClusterState.REVOKED.value,
    )
