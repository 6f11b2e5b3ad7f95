"""Audit credentials: secrets by which a bank's own auditor reads the entries of that bank's logs, and no others.

Trusted with nothing: who reads the table learns no secret. Who writes it lets somebody read a bank's entries, which
hold no personal details.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import LargeBinary, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from broker.crypto.digests import digest, new_secret
from broker.errors import NotFound
from broker.storage.base import Base, new_id

DEFAULT_DAYS = 365
LONGEST_DAYS = 1_096
_PREFIX = "ba"


class CredentialRow(Base):
    """One credential. It is kept after its end, so that the list shows who could read when."""

    __tablename__ = "audit_credentials"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    owner: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True)
class Credential:
    """One credential without its secret. `owner` is the bank's id, or `operator`."""

    id: str
    owner: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None

    def is_live(self, now: datetime) -> bool:
        """Say whether it opens anything now."""
        return self.revoked_at is None and now < self.expires_at


def create(session: Session, owner: str, now: datetime, days: int = DEFAULT_DAYS) -> tuple[Credential, str]:
    """Make a credential for the logs of one owner; its secret is told this once."""
    secret = new_secret(_PREFIX)
    row = CredentialRow(
        id=new_id(now), digest=digest(secret), owner=owner, created_at=now, expires_at=now + timedelta(days=days)
    )
    session.add(row)
    return _credential(row), secret


def listed(session: Session, owner: str) -> list[Credential]:
    """Return all credentials of one owner, the oldest first, ended ones too."""
    query = select(CredentialRow).where(CredentialRow.owner == owner).order_by(CredentialRow.id)
    return [_credential(row) for row in session.scalars(query)]


def revoke(session: Session, owner: str, credential_id: str, now: datetime) -> None:
    """End a credential at once; ended before, it stays as it is.

    Raises:
        NotFound: this owner has no such credential.
    """
    row = session.get(CredentialRow, credential_id)
    if row is None or row.owner != owner:
        raise NotFound("There is no such credential.")
    row.revoked_at = row.revoked_at or now


def find(session: Session, secret: str, now: datetime) -> Credential | None:
    """Return the living credential with this secret, None when there is none."""
    row = session.scalar(select(CredentialRow).where(CredentialRow.digest == digest(secret)))
    found = None if row is None else _credential(row)
    return found if found is not None and found.is_live(now) else None


def _credential(row: CredentialRow) -> Credential:
    return Credential(row.id, row.owner, row.created_at, row.expires_at, row.revoked_at)
