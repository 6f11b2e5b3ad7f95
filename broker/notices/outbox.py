"""Writes notices in the transaction of what they tell of: both are there afterwards, or neither."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.orm import Session

from broker.audit.vocabulary import Entry
from broker.notices.channels import CHANNELS, Channel
from broker.notices.choices import wanted
from broker.notices.models import NoticeRow
from broker.notices.notice import Notice, of_entry
from broker.storage.base import new_id, table_of

_NOTICES = table_of(NoticeRow)


def note(session: Session, notice: Notice, now: datetime, channels: Iterable[Channel] = CHANNELS) -> None:
    """Tell a person of something, on the ways that they want; call it in the transaction in which it happens.

    Without the ORM: it may stand behind a savepoint of the connection.
    """
    chosen = wanted(session, notice.user_id)
    open_ways = [one for one in channels if (notice.topic, one.way) in chosen and one.reaches(session, notice.user_id)]
    if not open_ways:
        return
    notice_id = new_id(now)
    row = {
        "user_id": notice.user_id,
        "what": notice.what.value,
        "grant_id": notice.grant_id,
        "bank_id": notice.bank_id,
        "platform_id": notice.platform_id,
        "facts": dict(notice.facts),
        "created_at": now,
    }
    session.execute(insert(_NOTICES).values(id=notice_id, **row))
    for channel in open_ways:
        channel.take(session, notice_id, notice.user_id, now)


def note_entry(session: Session, entry: Entry, now: datetime) -> None:
    """Tell the person of an entry of the log; call it in the transaction that appends it."""
    for notice in of_entry(entry):
        note(session, notice, now)
