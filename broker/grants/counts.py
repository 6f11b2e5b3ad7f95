"""What a platform may know of all its grants together: how many stand where, and whom each is about, pairwise."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from broker.grants.models import GrantRow
from broker.policy.vocabulary import GrantStatus


def grants_by_status(session: Session, platform_id: str, now: datetime) -> dict[GrantStatus, int]:
    """Count the grants of a platform by status; what has run out counts as expired, recorded or not."""
    is_over = GrantRow.expires_at <= now
    query = select(GrantRow.status, is_over, func.count(GrantRow.id)).where(GrantRow.platform_id == platform_id)
    counts: Counter[GrantStatus] = Counter()
    for word, over, number in session.execute(query.group_by(GrantRow.status, is_over)):
        status = GrantStatus(word)
        counts[GrantStatus.EXPIRED if over and not status.is_final else status] += number
    return {status: counts[status] for status in GrantStatus if counts[status]}


def subjects_of(session: Session, platform_id: str, grant_ids: Collection[str]) -> dict[str, str]:
    """Return the pairwise id of the person behind each of these grants of the platform; others are left out."""
    query = select(GrantRow.id, GrantRow.subject_id).where(
        GrantRow.platform_id == platform_id, GrantRow.id.in_(grant_ids)
    )
    return {row.id: row.subject_id for row in session.execute(query)}
