"""Forgets what a person was told: with their details at one bank, or with their account; and lets it move along."""

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from broker.notices.models import ChoiceRow, MailRow, MarkRow, NoticeRow, RecipientRow
from broker.users.moves import banks_of


def forget_at_bank(session: Session, user_id: str, bank_id: str) -> None:
    """Delete what the person was told of a bank; everything, with the address, when they have no other bank."""
    if set(banks_of(session, user_id)) <= {bank_id}:
        forget_user(session, user_id)
        return
    about = select(NoticeRow.id).where(NoticeRow.user_id == user_id, NoticeRow.bank_id == bank_id)
    session.execute(delete(MailRow).where(MailRow.notice_id.in_(about)))
    session.execute(delete(NoticeRow).where(NoticeRow.user_id == user_id, NoticeRow.bank_id == bank_id))
    # A reminder lists what is shared, at every bank.
    session.execute(delete(NoticeRow).where(NoticeRow.user_id == user_id, NoticeRow.bank_id.is_(None)))


def forget_user(session: Session, user_id: str) -> None:
    """Delete the person's inbox, their address, their language, their choices and every mail that waits."""
    session.execute(delete(MarkRow).where(MarkRow.subject == user_id))
    for row in (MailRow, NoticeRow, ChoiceRow, RecipientRow):
        session.execute(delete(row).where(row.user_id == user_id))


def move_notices(session: Session, bank_id: str, from_user: str, to_user: str) -> None:
    """Let what was told of a bank go along with the bank's customer, who becomes another user (02, two banks)."""
    about = (NoticeRow.user_id == from_user, NoticeRow.bank_id == bank_id)
    waiting = select(NoticeRow.id).where(*about)
    session.execute(update(MailRow).where(MailRow.notice_id.in_(waiting)).values(user_id=to_user))
    session.execute(update(NoticeRow).where(*about).values(user_id=to_user))
    if not set(banks_of(session, from_user)):
        forget_user(session, from_user)
