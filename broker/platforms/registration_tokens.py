"""Registration access tokens (RFC 7592 §1.2): by its own, a client reads, changes and removes its registration.

Trusted with nothing: who reads the table learns no secret.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from broker.crypto.digests import digest
from broker.errors import NotFound
from broker.platforms.initial_tokens import get
from broker.platforms.models import PlatformRow
from broker.platforms.service import ID, Platform, platform_of

PREFIX = "rg"
"""The prefix of their secrets, for `new_secret`."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A client that looks after itself. `purposes` and `scopes` are the most that it may change itself to."""

    platform: Platform
    created_at: datetime
    registered_by: str | None
    purposes: frozenset[str]
    scopes: frozenset[str]


def entrust(session: Session, platform_id: str, secret: str, *, registered_by: str | None) -> None:
    """Let whoever has this secret look after the client, and nobody who had another.

    `registered_by` is the id of the initial access token whose limits stay its limits; None: what it has now.

    Raises:
        NotFound: there is no such client.
    """
    row = session.get(PlatformRow, platform_id)
    if row is None or row.removed_at is not None:
        raise NotFound("There is no such platform.")
    row.registration_digest, row.registered_by = digest(secret), registered_by


def entrusted(session: Session, platform_id: str, secret: str) -> Registered | None:
    """Return the client if this is its secret; unknown, removed and other people's clients are all None."""
    row = session.get(PlatformRow, platform_id, populate_existing=True) if ID.fullmatch(platform_id) else None
    kept = b"" if row is None or row.removed_at is not None else row.registration_digest or b""
    if not hmac.compare_digest(kept, digest(secret)) or row is None:
        return None
    platform = platform_of(row)
    by = None if row.registered_by is None else get(session, row.registered_by)
    if by is None:
        scopes = {*platform.scopes, *platform.options.machine_scopes}
        return Registered(platform, row.created_at, None, frozenset(platform.purposes), frozenset(scopes))
    return Registered(platform, row.created_at, by.id, frozenset(by.purposes), frozenset(by.scopes))
