"""Authorization codes: issued for one grant, redeemed once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import CursorResult, bindparam, delete, select, update
from sqlalchemy.orm import Session

from broker.crypto.digests import digest, new_secret
from broker.grants.models import GrantRow
from broker.grants.views import UNCLAIMED_LIFE
from broker.storage.base import table_of
from broker.storage.prepared import Prepared
from broker.tokens.models import CodeRow
from broker.tokens.service import end_all_of_grant

CODE_LIFE = timedelta(seconds=60)
_REPLAY_MEMORY = timedelta(days=1)
_CODES = table_of(CodeRow)
_FOUND = Prepared(select(_CODES).where(_CODES.c.digest == bindparam("of_digest")))


@dataclass(frozen=True, slots=True)
class Code:
    """What an authorization code is bound to: grant, client, redirect URI, PKCE challenge (S256), DPoP key.

    `amends` says that the grant had tokens before, which end when this code is redeemed for others (Grant Management
    draft 03, §4.2); until then they go on, within what the grant says now.
    """

    grant_id: str
    platform_id: str
    redirect_uri: str
    code_challenge: str
    jkt: str | None
    amends: bool = False


def issue_code(session: Session, code: Code, now: datetime) -> str:
    """Store a new code's digest and return the code; it lives for 60 s (FAPI 2.0 §5.3.2.1-11)."""
    secret = new_secret("ac")
    session.add(
        CodeRow(
            digest=digest(secret),
            grant_id=code.grant_id,
            platform_id=code.platform_id,
            redirect_uri=code.redirect_uri,
            code_challenge=code.code_challenge,
            jkt=code.jkt,
            amends=code.amends,
            expires_at=now + CODE_LIFE,
        )
    )
    return secret


def find_code(session: Session, secret: str, platform_id: str) -> Code | None:
    """Return what a code is bound to, whether used or not; None for an unknown or another client's code."""
    row = _FOUND.first(session, of_digest=digest(secret))
    if row is None or row.platform_id != platform_id:
        return None
    return Code(row.grant_id, row.platform_id, row.redirect_uri, row.code_challenge, row.jkt, row.amends)


def consume_code(session: Session, secret: str, now: datetime) -> bool:
    """Redeem the code in one conditional statement; False when it was used before or is too old.

    A second use ends the grant's tokens (RFC 6749 §4.1.2): the caller must commit before it raises.
    """
    one = digest(secret)
    statement = update(CodeRow).where(CodeRow.digest == one, CodeRow.used_at.is_(None), CodeRow.expires_at > now)
    if cast("CursorResult[None]", session.execute(statement.values(used_at=now))).rowcount == 1:
        row = _FOUND.first(session, of_digest=one)
        # Not a grant that has ended unclaimed meanwhile: what has expired is never revived.
        in_time = (GrantRow.claimed_at.is_(None)) & (GrantRow.authorised_at > now - UNCLAIMED_LIFE)
        session.execute(update(GrantRow).where(GrantRow.id == row.grant_id, in_time).values(claimed_at=now))
        return True
    row = _FOUND.first(session, of_digest=one)
    if row.used_at is not None:
        end_all_of_grant(session, row.grant_id, now)
    return False


def forget_old_codes(session: Session, now: datetime) -> None:
    """Delete codes a day after their end; until then a replay is still recognised."""
    session.execute(delete(CodeRow).where(CodeRow.expires_at < now - _REPLAY_MEMORY))
