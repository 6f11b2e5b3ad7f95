"""Knows people by their bank's word for them, and keeps the broker's credential at the bank sealed."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from broker.crypto.sealing import Sealer
from broker.storage.base import new_id, table_of
from broker.storage.prepared import Prepared, Transaction
from broker.users.models import IdentityRow, UserRow
from broker.users.moves import move, new_user, present_user

_DIGEST_BYTES = 32
# Built once, and run without the ORM: each call of a platform asks.
_IDENTITIES = table_of(IdentityRow)
_AT_BANK = Prepared(
    select(_IDENTITIES).where(
        _IDENTITIES.c.user_id == bindparam("of_user"), _IDENTITIES.c.bank_id == bindparam("of_bank")
    )
)


@dataclass(frozen=True, slots=True)
class Identity:
    """One person at one bank: the broker's id, the bank's `sub`, a name to greet by, the bank's tokens as one text."""

    user_id: str
    bank_id: str
    subject: str
    name: str
    credential: str | None = field(repr=False)
    signed_in_at: datetime


class Users:
    """Reads and writes identities. `subject_key` keys the digest by which a bank's `sub` is found."""

    def __init__(self, sealer: Sealer, subject_key: bytes) -> None:
        self._sealer = sealer
        self._subject_key = subject_key

    def sign_in(
        self, session: Session, *, bank_id: str, subject: str, name: str, credential: str | None, now: datetime
    ) -> Identity:
        """Remember that the bank has identified this person; makes the user at the first time.

        `credential` is None after a sign-in that asked for no data: what is stored then stays.
        """
        digest = self._digest(bank_id, subject)
        same = select(IdentityRow).where(IdentityRow.bank_id == bank_id, IdentityRow.subject_digest == digest)
        row = session.scalars(same.with_for_update()).first()
        if row is None:
            row = self._first_time(session, bank_id, digest, subject, now) or session.scalars(same).one()
        row.sealed_name = self._seal(row, "name", name)
        if credential is not None:
            row.sealed_credential = self._seal(row, "credential", credential)
            row.signed_in_at = now
        session.flush()
        return self._identity(row)

    def _first_time(
        self, session: Session, bank_id: str, digest: bytes, subject: str, now: datetime
    ) -> IdentityRow | None:
        """Make the user; None when a second sign-in of the same person was quicker."""
        user = UserRow(id=new_id(now), created_at=now)
        row = IdentityRow(id=new_id(now), user_id=user.id, bank_id=bank_id, subject_digest=digest, signed_in_at=now)
        row.sealed_subject = self._seal(row, "subject", subject)
        row.sealed_name = self._seal(row, "name", "")
        try:
            with session.begin_nested():
                session.add(user)
                session.flush()
                session.add(row)
                session.flush()
        except IntegrityError:
            return None
        return row

    def known_as(self, session: Session, bank_id: str, subject: str) -> str | None:
        """Return the id of the user whom the bank calls so, None when they never signed in."""
        known = (IdentityRow.bank_id == bank_id) & (IdentityRow.subject_digest == self._digest(bank_id, subject))
        return session.scalar(select(IdentityRow.user_id).where(known))

    def at_bank(self, session: Transaction, user_id: str, bank_id: str) -> Identity | None:
        """Return the person's identity at one bank, None when they never signed in there."""
        row = _AT_BANK.first(session, of_user=user_id, of_bank=bank_id)
        return None if row is None else self._identity(row)

    def identities(self, session: Session, user_id: str) -> list[Identity]:
        """Return the person at each of their banks, whichever was signed in at last first."""
        mine = select(IdentityRow).where(IdentityRow.user_id == user_id)
        return [self._identity(row) for row in session.scalars(mine.order_by(IdentityRow.signed_in_at.desc())).all()]

    def staff_id(self, bank_id: str, subject: str) -> str:
        """Return what tells a member of a bank's staff from the others, without saying who it is."""
        return self._digest(bank_id, subject).hex()

    def check_key(self, session: Session) -> bool:
        """Open what is stored of the newest person; False when nobody has signed in yet.

        Raises:
            ConfigurationInvalid: it does not open: the key file belongs to another database.
        """
        row = session.scalars(select(IdentityRow).order_by(IdentityRow.id.desc()).limit(1)).first()
        return row is not None and bool(self._identity(row))

    def replace_credential(self, session: Session, user_id: str, bank_id: str, *, old: str, new: str | None) -> None:
        """Replace the credential after a refresh; None forgets it after it was revoked at the bank.

        Nothing happens when another than `old` is stored by now: a newer sign-in must not be undone.
        """
        row = session.scalars(
            select(IdentityRow)
            .where(IdentityRow.user_id == present_user(session, user_id, bank_id), IdentityRow.bank_id == bank_id)
            .with_for_update()
        ).first()
        if row is None or self._identity(row).credential != old:
            return
        row.sealed_credential = None if new is None else self._seal(row, "credential", new)

    def set_apart(self, session: Session, user_id: str, now: datetime) -> list[tuple[str, str]]:
        """Forget who the user is at each of their banks; return each bank, with the user under whom its tokens rest.

        What is left has no name and no `sub`: a sign-in does not find it, and makes somebody new. No session of the
        user's is anybody's any more, for at each bank they have moved.
        """
        mine = select(IdentityRow).where(IdentityRow.user_id == user_id).order_by(IdentityRow.bank_id).with_for_update()
        left = []
        for row in session.scalars(mine).all():
            row.subject_digest = secrets.token_bytes(_DIGEST_BYTES)
            row.sealed_subject, row.sealed_name = self._seal(row, "subject", ""), self._seal(row, "name", "")
            row.signed_in_at = now
            nobody = new_user(session, now)
            move(session, row.bank_id, user_id, nobody, now)
            left.append((row.bank_id, nobody))
        session.execute(delete(UserRow).where(UserRow.id == user_id))
        return left

    @staticmethod
    def drop(session: Session, user_id: str) -> None:
        """Delete a user with what is left of their identities."""
        session.execute(delete(IdentityRow).where(IdentityRow.user_id == user_id))
        session.execute(delete(UserRow).where(UserRow.id == user_id))

    def _identity(self, row: IdentityRow | Row[Any]) -> Identity:
        sealed = row.sealed_credential
        return Identity(
            user_id=row.user_id,
            bank_id=row.bank_id,
            subject=self._open(row, "subject", row.sealed_subject),
            name=self._open(row, "name", row.sealed_name),
            credential=None if sealed is None else self._open(row, "credential", sealed),
            signed_in_at=row.signed_in_at,
        )

    def _digest(self, bank_id: str, subject: str) -> bytes:
        return hmac.new(self._subject_key, f"{bank_id}\x00{subject}".encode(), hashlib.sha256).digest()

    def _seal(self, row: IdentityRow, column: str, text: str) -> bytes:
        return self._sealer.seal(text.encode(), f"user_identities/{row.id}/{column}")

    def _open(self, row: IdentityRow | Row[Any], column: str, sealed: bytes) -> str:
        return self._sealer.open(sealed, f"user_identities/{row.id}/{column}").decode()
