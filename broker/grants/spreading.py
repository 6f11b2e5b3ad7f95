"""Tells the people of many grants of one act: a switch, or a hold on an app; a few hundred in one transaction."""

from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from broker.grants.models import GrantCategoryRow, GrantRow
from broker.notices.notice import Notice
from broker.notices.outbox import note
from broker.notices.spreads import Spread, first, go_on
from broker.policy.vocabulary import ClusterState, GrantStatus

_MOST = 200


def spread(session: Session, now: datetime) -> bool:
    """Tell the next few hundred people; False when nobody is left to be told of anything."""
    found = first(session)
    if found is None:
        return False
    rows = session.scalars(_concerned(found, now)).all()
    for row in rows:
        facts = {name: value for name, value in (("category", found.reach.category), ("side", found.side)) if value}
        note(session, Notice(found.what, row.user_id, row.id, row.bank_id, row.platform_id, facts), now)
    go_on(session, found, rows[-1].id if len(rows) == _MOST else None)
    return True


def _concerned(found: Spread, now: datetime) -> Select[GrantRow]:
    """Return the live grants, in their order, that nobody was told of yet. A paused one gives nothing either way."""
    reach, query = found.reach, select(GrantRow).where(GrantRow.id > found.after)
    query = query.where(
        GrantRow.status == GrantStatus.ACTIVE.value,
        GrantRow.expires_at > now,
        GrantRow.authorised_at <= found.created_at,  # who agreed later saw it on the page
    )
    if reach.bank_id:
        query = query.where(GrantRow.bank_id == reach.bank_id)
    if reach.platform_id:
        query = query.where(GrantRow.platform_id == reach.platform_id)
    if reach.category:
        shared = (GrantCategoryRow.name == reach.category) & (GrantCategoryRow.state == ClusterState.ACTIVE.value)
        query = query.where(GrantRow.categories.any(shared))
    return query.order_by(GrantRow.id).limit(_MOST)
