"""Initial access tokens (RFC 7591 §3): by each, so many clients may register themselves, for so much at most.

Trusted with nothing: who reads the table learns no secret. Who writes it lets clients register.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.orm import Session

from broker.crypto.digests import digest, new_secret
from broker.errors import InvalidRequest, NotFound
from broker.platforms.models import InitialAccessTokenRow
from broker.policy import Catalogue
from broker.policy.vocabulary import MachineScope
from broker.storage.base import new_id

DEFAULT_DAYS = 7
LONGEST_DAYS = 366
MOST_USES = 1_000
_LONGEST_LABEL = 120
_PREFIX = "it"
_MEMORY_OF_UNUSED = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class InitialToken:
    """One token without its secret. `purposes` and `scopes` are the most that a client registers with it for."""

    id: str
    label: str
    purposes: tuple[str, ...]
    scopes: tuple[str, ...]
    most_uses: int
    uses: int
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None

    def is_live(self, now: datetime) -> bool:
        """Say whether a client could register with it now."""
        return self.revoked_at is None and now < self.expires_at and self.uses < self.most_uses


def create(
    session: Session,
    catalogue: Catalogue,
    *,
    label: str,
    purposes: tuple[str, ...],
    scopes: tuple[str, ...],
    most_uses: int,
    days: int,
    now: datetime,
) -> tuple[InitialToken, str]:
    """Make a token; its secret is told this once.

    Raises:
        InvalidRequest: an unknown purpose or scope, a scope that no purpose allows, or a label that cannot be read.
    """
    if not label.strip() or not label.isprintable() or len(label) > _LONGEST_LABEL:
        raise InvalidRequest("An invitation needs a label of at most 120 visible characters.")
    if unknown := sorted(set(purposes) - set(catalogue.purposes)):
        raise InvalidRequest(f"{unknown[0]} is not an allowed purpose.")
    allowed = {name for purpose in purposes for name in catalogue.purposes[purpose].needs} | set(MachineScope)
    if unknown := sorted(set(scopes) - allowed):
        raise InvalidRequest(f"None of these purposes allows {unknown[0]}.")
    secret = new_secret(_PREFIX)
    row = InitialAccessTokenRow(
        id=new_id(now),
        digest=digest(secret),
        label=label,
        purposes=list(purposes),
        scopes=list(scopes),
        most_uses=most_uses,
        uses=0,
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    session.add(row)
    return _token(row), secret


def find(session: Session, secret: str, now: datetime) -> InitialToken | None:
    """Return the living token with this secret, None when there is none."""
    row = session.scalar(select(InitialAccessTokenRow).where(InitialAccessTokenRow.digest == digest(secret)))
    found = None if row is None else _token(row)
    return found if found is not None and found.is_live(now) else None


def use(session: Session, secret: str, now: datetime) -> InitialToken | None:
    """Count one use in one conditional statement; None when there is no living token with this secret."""
    table = InitialAccessTokenRow
    living = update(table).where(
        table.digest == digest(secret), table.uses < table.most_uses, table.revoked_at.is_(None), table.expires_at > now
    )
    if cast("CursorResult[None]", session.execute(living.values(uses=table.uses + 1))).rowcount != 1:
        return None
    row = session.scalar(select(table).where(table.digest == digest(secret)).execution_options(populate_existing=True))
    return None if row is None else _token(row)


def get(session: Session, token_id: str) -> InitialToken | None:
    """Return a token by its id, living or ended."""
    row = session.get(InitialAccessTokenRow, token_id)
    return None if row is None else _token(row)


def listed(session: Session) -> list[InitialToken]:
    """Return all tokens, the oldest first, ended ones too."""
    return [_token(row) for row in session.scalars(select(InitialAccessTokenRow).order_by(InitialAccessTokenRow.id))]


def revoke(session: Session, token_id: str, now: datetime) -> None:
    """End a token at once; clients that registered with it stay.

    Raises:
        NotFound: there is no such token.
    """
    row = session.get(InitialAccessTokenRow, token_id)
    if row is None:
        raise NotFound("There is no such invitation.")
    row.revoked_at = row.revoked_at or now


def forget_unused(session: Session, now: datetime) -> None:
    """Delete tokens that ended without any use 30 days ago; the others say what their clients may have at most."""
    table = InitialAccessTokenRow
    session.execute(delete(table).where(table.uses == 0, table.expires_at < now - _MEMORY_OF_UNUSED))


def _token(row: InitialAccessTokenRow) -> InitialToken:
    return InitialToken(
        id=row.id,
        label=row.label,
        purposes=tuple(row.purposes),
        scopes=tuple(row.scopes),
        most_uses=row.most_uses,
        uses=row.uses,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
