"""Codes, tokens and spent assertions: issued as random text, kept as digests, ended by one conditional statement.

Trusted: whoever can write these tables can mint access for any customer; reading them yields no usable token.
"""

import hashlib
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from broker.sandbox.bank.models import CodeRow, SpentAssertion, TokenRow

CODE_SECONDS = 60
ACCESS_TOKEN_SECONDS = 600
_KEPT_AFTER_EXPIRY = 86_400


def digest(secret: str) -> str:
    """Return the digest under which a code, a token or an assertion is kept."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What a live token stands for, in the form that Authlib asks for."""

    client_id: str
    subject: str
    scope: str
    family: str

    def check_client(self, client: object) -> bool:
        """Tell whether the token was issued to this client."""
        return getattr(client, "client_id", None) == self.client_id

    def get_scope(self) -> str:
        """Return the scope, parts separated by spaces."""
        return self.scope


def spend_code(session: Session, code: str, client_id: str, at: int) -> CodeRow | None:
    """Use up a code; None when it is unknown, somebody else's, expired or was used before.

    One statement decides, so of many simultaneous attempts one wins. A second use ends the tokens of the first
    (RFC 6749 §4.1.2).
    """
    row = session.get(CodeRow, digest(code))
    if row is None or row.client_id != client_id:
        return None
    fresh = (CodeRow.digest == row.digest) & CodeRow.used_at.is_(None) & (CodeRow.expires_at > at)
    won = session.execute(update(CodeRow).where(fresh).values(used_at=at).returning(CodeRow.digest)).first()
    if won is None:
        end_family(session, row.digest, at)
        return None
    return row


def keep_token(session: Session, secret: str, facts: TokenFacts, use: str, expires_at: int | None) -> None:
    """Remember a token by its digest; a refresh token has no expiry."""
    session.add(
        TokenRow(
            digest=digest(secret),
            use=use,
            client_id=facts.client_id,
            subject=facts.subject,
            scope=facts.scope,
            family=facts.family,
            expires_at=expires_at,
        )
    )


def find_token(session: Session, secret: str, uses: tuple[str, ...], at: int) -> TokenFacts | None:
    """Return what a token stands for, or None when it is unknown, expired or revoked."""
    row = session.scalar(select(TokenRow).where(TokenRow.digest == digest(secret), TokenRow.use.in_(uses)))
    if row is None or row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= at):
        return None
    return TokenFacts(row.client_id, row.subject, row.scope, row.family)


def end_family(session: Session, family: str, at: int) -> None:
    """Revoke every token that stems from one code."""
    live = (TokenRow.family == family) & TokenRow.revoked_at.is_(None)
    session.execute(update(TokenRow).where(live).values(revoked_at=at))


def spend_assertion(session: Session, client_id: str, jti: str, expires_at: int) -> bool:
    """Use up a client assertion; False when it was used before (RFC 7523 §3)."""
    row = {"digest": digest(f"{client_id}\x1f{jti}"), "expires_at": expires_at}
    statement = insert(SpentAssertion).values(row).on_conflict_do_nothing().returning(SpentAssertion.digest)
    return session.execute(statement).first() is not None


def sweep(session: Session, at: int) -> None:
    """Drop what expired more than a day ago."""
    before = at - _KEPT_AFTER_EXPIRY
    session.execute(delete(SpentAssertion).where(SpentAssertion.expires_at < before))
    session.execute(delete(CodeRow).where(CodeRow.expires_at < before))
    session.execute(delete(TokenRow).where(TokenRow.expires_at < before))
