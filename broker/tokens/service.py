"""Issues, finds and ends access and refresh tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from broker.crypto.digests import digest, new_secret
from broker.grants.models import GrantRow
from broker.storage.base import table_of
from broker.storage.prepared import Prepared, Transaction
from broker.tokens.models import TokenRow

ACCESS_LIFE = timedelta(minutes=5)
_MEMORY_OF_ENDED = timedelta(days=1)
# Built once, and run without the ORM: each call of a platform asks, each replay of a code ends.
_TOKENS, _GRANTS = table_of(TokenRow), table_of(GrantRow)
_FOUND = Prepared(select(_TOKENS).where(_TOKENS.c.digest == bindparam("of_digest")))
_ENDED = Prepared(
    update(_TOKENS)
    .where(_TOKENS.c.grant_id == bindparam("of_grant"), _TOKENS.c.ended_at.is_(None))
    .values(ended_at=bindparam("at"))
)
_HELD = Prepared(select(_GRANTS.c.id).where(_GRANTS.c.id == bindparam("of_grant")).with_for_update(key_share=True))


class TokenKind(StrEnum):
    """The two kinds of tokens; only access tokens open the API."""

    ACCESS = "access"
    REFRESH = "refresh"


@dataclass(frozen=True, slots=True)
class Token:
    """One stored token. `jkt` is the thumbprint of the DPoP key that an access token is bound to (RFC 9449 §6).

    With `requires_nonce` proofs for an access token must hold a nonce (RFC 9449 §9).
    """

    kind: TokenKind
    grant_id: str
    platform_id: str
    jkt: str | None
    categories: tuple[str, ...]
    requires_nonce: bool
    issued_at: datetime
    expires_at: datetime
    ended_at: datetime | None

    def is_live(self, now: datetime) -> bool:
        """Say whether the token has neither expired nor been ended; the grant must be read besides."""
        return self.ended_at is None and now < self.expires_at


def issue_access(
    session: Session,
    *,
    grant_id: str,
    platform_id: str,
    jkt: str,
    categories: Sequence[str],
    grant_expires_at: datetime,
    now: datetime,
    requires_nonce: bool = False,
) -> tuple[str, int]:
    """Store a new access token's digest; return the token and its life in whole seconds (5 minutes at most)."""
    expires_at = min(now + ACCESS_LIFE, grant_expires_at)
    secret = new_secret("at")
    session.add(
        TokenRow(
            digest=digest(secret),
            kind=TokenKind.ACCESS.value,
            grant_id=grant_id,
            platform_id=platform_id,
            jkt=jkt,
            categories=list(categories),
            requires_nonce=requires_nonce,
            issued_at=now,
            expires_at=expires_at,
        )
    )
    return secret, int((expires_at - now).total_seconds())


def issue_refresh(
    session: Session,
    *,
    grant_id: str,
    platform_id: str,
    categories: Sequence[str],
    grant_expires_at: datetime,
    now: datetime,
) -> str:
    """Store a new refresh token's digest and return the token; it is not rotated and lives as long as the grant."""
    secret = new_secret("rt")
    session.add(
        TokenRow(
            digest=digest(secret),
            kind=TokenKind.REFRESH.value,
            grant_id=grant_id,
            platform_id=platform_id,
            categories=list(categories),
            issued_at=now,
            expires_at=grant_expires_at,
        )
    )
    return secret


def find_token(session: Transaction, secret: str) -> Token | None:
    """Return the stored token, living or ended; None when it was never issued (or forgotten)."""
    row = _FOUND.first(session, of_digest=digest(secret))
    if row is None:
        return None
    return Token(
        kind=TokenKind(row.kind),
        grant_id=row.grant_id,
        platform_id=row.platform_id,
        jkt=row.jkt,
        categories=tuple(row.categories),
        requires_nonce=row.requires_nonce,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
    )


def find_for_use(session: Session, secret: str) -> Token | None:
    """Return the stored token as `find_token` does; nobody else ends or uses one of its grant meanwhile.

    Otherwise PostgreSQL would let a token be issued by one that is being ended, and live on.
    """
    found = find_token(session, secret)
    if found is not None:
        _hold(session, found.grant_id)
    return found and find_token(session, secret)  # as it is now that nobody else can end it


def end_token(session: Session, secret: str, platform_id: str, now: datetime) -> None:
    """End one token of this client (RFC 7009 §2.1); ending a refresh token ends the grant's access tokens too.

    Unknown tokens and those of other clients are left alone, without a word.
    """
    row = session.get(TokenRow, digest(secret))
    if row is None or row.platform_id != platform_id:
        return
    if row.kind == TokenKind.REFRESH.value:
        end_all_of_grant(session, row.grant_id, now)
    elif row.ended_at is None:
        row.ended_at = now


def end_all_of_grant(session: Session, grant_id: str, now: datetime) -> None:
    """End every token of a grant; the grant itself lives on."""
    session.flush()
    _hold(session, grant_id)
    _ENDED.change(session, of_grant=grant_id, at=now)


def end_all_of_platform(session: Session, platform_id: str, now: datetime) -> None:
    """End every token about people that a platform holds; the grants live on."""
    session.flush()
    theirs = update(TokenRow).where(TokenRow.platform_id == platform_id, TokenRow.ended_at.is_(None))
    session.execute(theirs.values(ended_at=now))


def forget_old_tokens(session: Session, now: datetime) -> None:
    """Delete tokens a day after their end."""
    session.execute(delete(TokenRow).where(TokenRow.expires_at < now - _MEMORY_OF_ENDED))


def _hold(session: Session, grant_id: str) -> None:
    """Put the writers of one grant's tokens in a row; the next statement sees what those before have committed."""
    _HELD.first(session, of_grant=grant_id)
