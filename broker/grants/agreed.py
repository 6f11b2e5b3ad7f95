"""Counts the people who agreed: what harvest limits measure a platform by."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from broker.grants.models import GrantCategoryRow, GrantRow
from broker.policy.vocabulary import ClusterState, GrantStatus

_AGREED = (GrantStatus.ACTIVE.value, GrantStatus.PAUSED.value)


def people_who_agreed(session: Session, platform_id: str, category: str, now: datetime) -> int:
    """Return how many people share a category with a platform now, at all banks; a pause does not count as an end."""
    query = (
        select(func.count(GrantRow.user_id.distinct()))
        .join(GrantCategoryRow, GrantCategoryRow.grant_id == GrantRow.id)
        .where(
            GrantRow.platform_id == platform_id,
            GrantRow.status.in_(_AGREED),
            GrantRow.expires_at > now,
            GrantCategoryRow.name == category,
            GrantCategoryRow.state != ClusterState.REVOKED.value,
        )
    )
    return session.scalar(query) or 0
