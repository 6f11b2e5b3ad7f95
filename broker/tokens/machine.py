"""Issues, finds and ends the tokens that clients have for themselves, without any person (RFC 6749 §4.4).

They rest in a table of their own, where the gate of the data routes does not look: none can ever open one.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from broker.crypto.digests import digest, new_secret
from broker.storage.base import table_of
from broker.storage.prepared import Prepared
from broker.tokens.models import MachineTokenRow

MACHINE_LIFE = timedelta(minutes=5)
_MEMORY_OF_ENDED = timedelta(days=1)
_TOKENS = table_of(MachineTokenRow)
_FOUND = Prepared(select(_TOKENS).where(_TOKENS.c.digest == bindparam("of_digest")))


@dataclass(frozen=True, slots=True)
class MachineToken:
    """One stored token of a client for itself, bound to the DPoP key with the thumbprint `jkt`."""

    platform_id: str
    jkt: str
    scopes: tuple[str, ...]
    requires_nonce: bool
    issued_at: datetime
    expires_at: datetime
    ended_at: datetime | None

    def is_live(self, now: datetime) -> bool:
        """Say whether the token has neither expired nor been ended."""
        return self.ended_at is None and now < self.expires_at


def issue_machine(
    session: Session, *, platform_id: str, jkt: str, scopes: Sequence[str], requires_nonce: bool, now: datetime
) -> tuple[str, int]:
    """Store a new token's digest; return the token and its life in whole seconds (5 minutes)."""
    secret = new_secret("mt")
    token = MachineToken(platform_id, jkt, tuple(scopes), requires_nonce, now, now + MACHINE_LIFE, None)
    session.add(MachineTokenRow(digest=digest(secret), **asdict(token)))
    return secret, int(MACHINE_LIFE.total_seconds())


def find_machine(session: Session, secret: str) -> MachineToken | None:
    """Return the stored token, living or ended; None when it was never issued (or forgotten)."""
    row = _FOUND.first(session, of_digest=digest(secret))
    if row is None:
        return None
    facts = {field.name: getattr(row, field.name) for field in fields(MachineToken)}
    return MachineToken(**{**facts, "scopes": tuple(row.scopes)})


def end_machine(session: Session, secret: str, platform_id: str, now: datetime) -> None:
    """End one token of this client; unknown ones and those of other clients are left alone, without a word."""
    row = session.get(MachineTokenRow, digest(secret))
    if row is not None and row.platform_id == platform_id and row.ended_at is None:
        row.ended_at = now


def end_machine_tokens_of(session: Session, platform_id: str, now: datetime) -> None:
    """End every token that a client has for itself."""
    session.flush()
    theirs = _TOKENS.c.platform_id == platform_id
    session.execute(update(_TOKENS).where(theirs, _TOKENS.c.ended_at.is_(None)).values(ended_at=now))


def forget_old_machine_tokens(session: Session, now: datetime) -> None:
    """Delete tokens a day after their end."""
    session.execute(delete(MachineTokenRow).where(MachineTokenRow.expires_at < now - _MEMORY_OF_ENDED))
