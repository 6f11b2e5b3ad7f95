"""Whose a bank's customer is: the same person at several banks, linked and unlinked by that person alone.

Trusted: who writes these rows decides whose history and permissions a sign-in at a bank opens.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import String, bindparam, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from broker.storage.base import Base, new_id, table_of
from broker.storage.prepared import Prepared, Transaction
from broker.users.models import IdentityRow, UserRow


class UserMoveRow(Base):
    """Under which user a customer of a bank went before. What began under the old one ends under the new one."""

    __tablename__ = "user_moves"

    user_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    bank_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    to_user_id: Mapped[str] = mapped_column(String(36))
    moved_at: Mapped[datetime]


_MOVES = table_of(UserMoveRow)
_MOVE = Prepared(
    select(_MOVES.c.to_user_id).where(
        _MOVES.c.user_id == bindparam("of_user"), _MOVES.c.bank_id == bindparam("of_bank")
    )
)


def present_user(session: Transaction, user_id: str, bank_id: str) -> str:
    """Return the user as whom a bank's customer goes now, who once went as `user_id`."""
    seen = {user_id}
    while (row := _MOVE.first(session, of_user=user_id, of_bank=bank_id)) is not None and row.to_user_id not in seen:
        user_id = row.to_user_id
        seen.add(user_id)
    return user_id


def banks_of(session: Session, user_id: str) -> Sequence[str]:
    """Return the banks of which the user is a customer."""
    query = select(IdentityRow.bank_id).where(IdentityRow.user_id == user_id).order_by(IdentityRow.bank_id)
    return session.scalars(query).all()


def has_moved(session: Session, user_id: str, bank_id: str) -> bool:
    """Say whether the bank's customer goes as another user now: a sign-in from before that is nobody's any more."""
    return session.get(UserMoveRow, (user_id, bank_id)) is not None


def is_customer(session: Session, user_id: str, bank_id: str) -> bool:
    """Say whether a customer of the bank goes as this user now."""
    return bank_id in banks_of(session, user_id)


def move(session: Session, bank_id: str, from_user: str, to_user: str, now: datetime) -> None:
    """Let a bank's customer go as another user from now on."""
    row = session.scalars(
        select(IdentityRow).where(IdentityRow.user_id == from_user, IdentityRow.bank_id == bank_id).with_for_update()
    ).one()
    row.user_id = to_user
    # Who comes back is where the trail ends: it would lead in a circle otherwise.
    session.execute(delete(UserMoveRow).where(UserMoveRow.user_id == to_user, UserMoveRow.bank_id == bank_id))
    session.merge(UserMoveRow(user_id=from_user, bank_id=bank_id, to_user_id=to_user, moved_at=now))
    session.flush()


def new_user(session: Session, now: datetime) -> str:
    """Make a user who is nobody's customer yet, and return their id."""
    user = UserRow(id=new_id(now), created_at=now)
    session.add(user)
    session.flush()
    return user.id
