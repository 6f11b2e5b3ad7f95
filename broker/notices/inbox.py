"""A person's inbox: what they were told, what of it they have read, and for how long it is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from broker.notices.models import MailRow, NoticeRow
from broker.notices.notice import Notice
from broker.notices.vocabulary import What

KEPT = timedelta(days=400)
"""How long a notice is kept: a little more than a year."""


@dataclass(frozen=True, slots=True)
class Told:
    """One notice of a person's inbox; `read_at` is None until they have marked it as read."""

    id: str
    notice: Notice
    created_at: datetime
    read_at: datetime | None


def listed(session: Session, user_id: str, *, limit: int, before: str | None = None) -> list[Told]:
    """Return what the person was told, newest first; `before` goes on after a notice of an earlier page."""
    query = select(NoticeRow).where(NoticeRow.user_id == user_id, NoticeRow.shown_at.is_not(None))
    if before is not None:
        query = query.where(NoticeRow.id < before)
    return [told(row) for row in session.scalars(query.order_by(NoticeRow.id.desc()).limit(limit))]


def unread(session: Session, user_id: str) -> int:
    """Count what the person has not read."""
    mine = (NoticeRow.user_id == user_id, NoticeRow.shown_at.is_not(None), NoticeRow.read_at.is_(None))
    return session.scalar(select(func.count()).select_from(NoticeRow).where(*mine)) or 0


def mark_read(session: Session, user_id: str, now: datetime, notice_id: str | None = None) -> None:
    """Mark one notice of the person as read, or all of them; somebody else's is left as it is."""
    mine = update(NoticeRow).where(NoticeRow.user_id == user_id, NoticeRow.read_at.is_(None))
    if notice_id is not None:
        mine = mine.where(NoticeRow.id == notice_id)
    session.execute(mine.values(read_at=now))


def told(row: NoticeRow) -> Told:
    """Return a stored notice as a value."""
    facts: Mapping[str, Any] = row.facts
    notice = Notice(What(row.what), row.user_id, row.grant_id, row.bank_id, row.platform_id, facts)
    return Told(row.id, notice, row.created_at, row.read_at)


def forget_old_notices(session: Session, now: datetime) -> None:
    """Delete what is older than a year, and mails that nobody has sent for so long that nobody waits for them."""
    session.execute(delete(NoticeRow).where(NoticeRow.created_at < now - KEPT))
    session.execute(delete(MailRow).where(MailRow.created_at < now - timedelta(days=7)))
