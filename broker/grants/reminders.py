"""Tells people of what time brings: a permission that ends soon, and every 90 days what they share."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from broker.grants.models import GrantRow
from broker.notices.marks import is_first
from broker.notices.models import MarkRow
from broker.notices.notice import Notice
from broker.notices.outbox import note
from broker.notices.vocabulary import What
from broker.policy.vocabulary import GrantStatus

DAYS_BEFORE = (7, 30)
"""How long before the end a person is told; only where the permission was given for twice as long at least."""
REMINDED_EVERY = timedelta(days=90)
_ROUND_EVERY = timedelta(minutes=10)
_MOST = 200
_MOST_LISTED = 20
_LIVE = [GrantStatus.ACTIVE.value, GrantStatus.PAUSED.value]
_LONG_AGO = timedelta(days=3650)


def remind(session: Session, now: datetime) -> bool:
    """Tell the next few hundred people whose turn it is; False when nobody is left for the next ten minutes."""
    mark = session.get(MarkRow, ("", What.REMINDER.value))
    if mark is not None and timedelta(0) <= now - mark.at < _ROUND_EVERY:
        return False
    told = [
        _tell_of_end(session, days, shorter, now) for days, shorter in zip(DAYS_BEFORE, (0, *DAYS_BEFORE), strict=False)
    ]
    told.append(_tell_what_is_shared(session, now))
    if max(told) < _MOST:
        is_first(session, "", What.REMINDER.value, now, now, again_from=now + _LONG_AGO)
        return False
    return True


def _tell_of_end(session: Session, days: int, shorter: int, now: datetime) -> int:
    """Tell of permissions that end in `days` at most and in more than `shorter`; each once for each end it is given."""
    what = f"{What.ENDING}-{days}"
    begin, end = now + timedelta(days=shorter), now + timedelta(days=days)
    is_told = _marked(GrantRow.id, what) & (MarkRow.at == GrantRow.expires_at)
    query = select(GrantRow).where(
        GrantRow.status.in_(_LIVE),
        GrantRow.claimed_at.is_not(None),
        GrantRow.expires_at > begin,
        GrantRow.expires_at <= end,
        # Who gave it for a week was told its end when they gave it.
        GrantRow.created_at <= end - timedelta(days=2 * days),
        ~select(MarkRow.subject).where(is_told).exists(),
    )
    rows = session.scalars(query.order_by(GrantRow.expires_at, GrantRow.id).limit(_MOST)).all()
    for row in rows:
        # The end may have moved to another day, and back: another end is told again.
        if is_first(session, row.id, what, row.expires_at, now, again_from=now + _LONG_AGO):
            facts = {"ends_at": row.expires_at.isoformat(), "days": days}
            note(session, Notice(What.ENDING, row.user_id, row.id, row.bank_id, row.platform_id, facts), now)
    return len(rows)


def _tell_what_is_shared(session: Session, now: datetime) -> int:
    """Tell people what they share, 90 days after they began to, and after they were told last."""
    since = now - REMINDED_EVERY
    live = and_(GrantRow.status.in_(_LIVE), GrantRow.claimed_at.is_not(None), GrantRow.expires_at > now)
    is_told = _marked(GrantRow.user_id, What.REMINDER.value) & (MarkRow.at > since)
    query = select(GrantRow.user_id).where(live, ~select(MarkRow.subject).where(is_told).exists())
    query = query.group_by(GrantRow.user_id).having(func.min(GrantRow.authorised_at) <= since)
    users = session.scalars(query.order_by(GrantRow.user_id).limit(_MOST)).all()
    for user_id in users:
        if is_first(session, user_id, What.REMINDER.value, now, now, again_from=since):
            apps = [[row.platform_id, row.bank_id] for row in _of(session, user_id, live)]
            note(session, Notice(What.REMINDER, user_id, facts={"apps": apps}), now)
    return len(users)


def _of(session: Session, user_id: str, live: ColumnElement[bool]) -> Sequence[GrantRow]:
    query = select(GrantRow).where(live, GrantRow.user_id == user_id).order_by(GrantRow.id)
    return session.scalars(query.limit(_MOST_LISTED)).all()


def _marked(subject: InstrumentedAttribute[str], what: str) -> ColumnElement[bool]:
    return (MarkRow.subject == subject) & (MarkRow.what == what)
