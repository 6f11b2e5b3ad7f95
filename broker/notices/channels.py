"""The channels on which a notice reaches a person: each takes it in the transaction of the change that it tells of."""

from datetime import datetime
from typing import Protocol

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from broker.notices.models import MailRow, NoticeRow, RecipientRow
from broker.notices.vocabulary import Way
from broker.storage.base import new_id, table_of

_NOTICES, _MAILS = table_of(NoticeRow), table_of(MailRow)


class Channel(Protocol):
    """One way to a person. What leaves the house on it leaves later, outside of every transaction."""

    way: Way

    def reaches(self, session: Session, user_id: str) -> bool:
        """Say whether the person can be reached on it now."""

    def take(self, session: Session, notice_id: str, user_id: str, now: datetime) -> None:
        """Take a notice that is stored already."""


class Inbox:
    """The page `/account/inbox`: it reaches everybody."""

    way = Way.INBOX

    def reaches(self, session: Session, user_id: str) -> bool:
        """Say yes: a person who signs in sees it."""
        del session, user_id  # the signature is the channels'
        return True

    def take(self, session: Session, notice_id: str, user_id: str, now: datetime) -> None:
        """Let the notice stand in the inbox."""
        del user_id  # the notice knows
        session.execute(update(_NOTICES).where(_NOTICES.c.id == notice_id).values(shown_at=now))


class Mail:
    """Mail to an address that the person has confirmed; the worker sends it (`notices.mailing`)."""

    way = Way.MAIL

    def reaches(self, session: Session, user_id: str) -> bool:
        """Say whether the person has confirmed an address."""
        confirmed = select(RecipientRow.user_id).where(
            RecipientRow.user_id == user_id, RecipientRow.confirmed_at.is_not(None)
        )
        return session.scalar(confirmed) is not None

    def take(self, session: Session, notice_id: str, user_id: str, now: datetime) -> None:
        """Put a mail into the queue. To whom, and in which words, is looked up when it is sent."""
        mail = {"id": new_id(now), "user_id": user_id, "notice_id": notice_id, "attempts": 0}
        session.execute(insert(_MAILS).values(**mail, created_at=now, due_at=now))


CHANNELS: tuple[Channel, ...] = (Inbox(), Mail())
