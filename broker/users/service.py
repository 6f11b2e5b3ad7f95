"""Knows people by their bank's word for them, and keeps the broker's credential at the bank sealed."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from broker.crypto.sealing import Sealer
from broker.storage.base import new_id
from broker.users.models import IdentityRow, UserRow


@dataclass(frozen=True, slots=True)
class Identity:
    """One person at one bank: the broker's id, the bank's `sub`, a name to greet by, the bank's tokens as one text."""

    user_id: str
    bank_id: str
    subject: str
    name: str
    credential: str | None
    signed_in_at: datetime


class Users:
    """Reads and writes identities. `subject_key` keys the digest by which a bank's `sub` is found."""

    def __init__(self, sealer: Sealer, subject_key: bytes) -> None:
        self._sealer = sealer
        self._subject_key = subject_key

    def sign_in(
        self, session: Session, *, bank_id: str, subject: str, name: str, credential: str, now: datetime
    ) -> Identity:
        """Remember that the bank has identified this person; makes the user at the first time."""
        digest = self._digest(bank_id, subject)
        row = session.scalars(
            select(IdentityRow).where(IdentityRow.bank_id == bank_id, IdentityRow.subject_digest == digest)
        ).first()
        if row is None:
            user = UserRow(id=new_id(now), created_at=now)
            row = IdentityRow(id=new_id(now), user_id=user.id, bank_id=bank_id, subject_digest=digest)
            row.sealed_subject = self._seal(row, "subject", subject)
            session.add(user)
            session.flush()
            session.add(row)
        row.sealed_name = self._seal(row, "name", name)
        row.sealed_credential = self._seal(row, "credential", credential)
        row.signed_in_at = now
        session.flush()
        return Identity(row.user_id, bank_id, subject, name, credential, now)

    def at_bank(self, session: Session, user_id: str, bank_id: str) -> Identity | None:
        """Return the person's identity at one bank, None when they never signed in there."""
        row = session.scalars(
            select(IdentityRow).where(IdentityRow.user_id == user_id, IdentityRow.bank_id == bank_id)
        ).first()
        if row is None:
            return None
        credential = None
        if row.sealed_credential is not None:
            credential = self._open(row, "credential", row.sealed_credential)
        subject = self._open(row, "subject", row.sealed_subject)
        return Identity(
            user_id, bank_id, subject, self._open(row, "name", row.sealed_name), credential, row.signed_in_at
        )

    def keep_credential(self, session: Session, user_id: str, bank_id: str, credential: str | None) -> None:
        """Replace the credential after a refresh; None forgets it after it was revoked at the bank."""
        row = session.scalars(
            select(IdentityRow).where(IdentityRow.user_id == user_id, IdentityRow.bank_id == bank_id).with_for_update()
        ).one()
        row.sealed_credential = None if credential is None else self._seal(row, "credential", credential)

    def _digest(self, bank_id: str, subject: str) -> bytes:
        return hmac.new(self._subject_key, f"{bank_id}\x00{subject}".encode(), hashlib.sha256).digest()

    def _seal(self, row: IdentityRow, column: str, text: str) -> bytes:
        return self._sealer.seal(text.encode(), f"user_identities/{row.id}/{column}")

    def _open(self, row: IdentityRow, column: str, sealed: bytes) -> str:
        return self._sealer.open(sealed, f"user_identities/{row.id}/{column}").decode()
