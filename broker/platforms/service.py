"""Adds and finds platforms; refuses registrations that the profile or the policies forbid."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from broker.errors import InvalidRequest, NotFound, PolicyRefused
from broker.platforms.key_sets import check_keys
from broker.platforms.models import PlatformRow
from broker.platforms.options import NO_OPTIONS, Options, check_algorithms
from broker.platforms.redirects import check_redirect_uri
from broker.policy import Catalogue, PlatformFacts
from broker.policy.vocabulary import MachineScope
from broker.storage.base import table_of
from broker.storage.prepared import Prepared

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,63}")
"""The shape of a client id."""
# The shapes of a user's id here and of a pairwise one: no client may be taken for a person (RFC 9700 §4.15.1).
_LIKE_A_PERSON = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9A-Fa-f]{32}|[A-Za-z0-9_-]{22}")
_LONGEST_NAME = 120
# Built once, and run without the ORM: each call of a client asks.
_PLATFORMS = table_of(PlatformRow)
_PRESENT = (_PLATFORMS.c.id == bindparam("of_id"), _PLATFORMS.c.removed_at.is_(None))
_FOUND = Prepared(select(_PLATFORMS).where(*_PRESENT))
MAY_ASK = select(_PLATFORMS.c.purposes, _PLATFORMS.c.scopes).where(*_PRESENT)
"""What a platform (`of_id`) is registered for, for a statement that asks for more."""


class PlatformKind(StrEnum):
    """What a client is for."""

    PLATFORM = "platform"
    RESOURCE_SERVER = "resource_server"
    BANK = "bank"


@dataclass(frozen=True, slots=True)
class Platform:
    """One client. `jwks` is a public JWK Set (RFC 7517), `NO_KEYS` where there is a `jwks_uri`.

    `scopes` are the categories it may ask for.
    `bank_id` is the bank that a client of the kind BANK acts for.
    """

    id: str
    kind: PlatformKind
    name: str
    jwks: dict[str, Any]
    redirect_uris: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    default_purpose: str | None = None
    jwks_uri: str | None = None
    bank_id: str | None = None
    options: Options = NO_OPTIONS


def add(session: Session, catalogue: Catalogue, platform: Platform, *, http_loopback: bool, now: datetime) -> None:
    """Store a platform, or replace its registration; then it looks after itself only if it is entrusted with it anew.

    `http_loopback` allows http redirect URIs on loopback hosts (sandbox mode only).

    Raises:
        InvalidRequest: a key, a redirect URI, a name or an option cannot be used, or the id was a removed platform's.
        PolicyRefused: a forbidden or unknown purpose, or a category that no purpose of the platform allows.
    """
    _check_names(platform)
    _check_kind(platform)
    check_algorithms(platform.options)
    check_keys(platform.jwks, platform.jwks_uri, http_loopback=http_loopback)
    for uri in platform.redirect_uris:
        check_redirect_uri(uri, http_loopback=http_loopback)
    _check_policies(catalogue, platform)
    row = _row(session, platform.id, now)
    row.kind, row.name, row.jwks = platform.kind.value, platform.name, platform.jwks
    row.redirect_uris, row.scopes = list(platform.redirect_uris), list(platform.scopes)
    row.purposes, row.default_purpose = list(platform.purposes), platform.default_purpose
    row.jwks_uri, row.bank_id, row.options = platform.jwks_uri, platform.bank_id, platform.options.to_json()
    row.registration_digest, row.registered_by = None, None
    session.add(row)


def find(session: Session, platform_id: str) -> Platform | None:
    """Return one platform, None when there is none with this id or it has been removed."""
    row = _FOUND.first(session, of_id=platform_id)
    return None if row is None else platform_of(row)


def facts_of(platform_id: str, row: Row[Any] | None) -> PlatformFacts:
    """Return what a platform is registered for, by its row of `MAY_ASK`; without one it is for nothing."""
    if row is None:
        return PlatformFacts(platform_id, frozenset(), frozenset())
    return PlatformFacts(platform_id, frozenset(row.purposes), frozenset(row.scopes))


def all_platforms(session: Session) -> list[Platform]:
    """Return every platform that has not been removed, by id."""
    query = select(PlatformRow).where(PlatformRow.removed_at.is_(None)).order_by(PlatformRow.id)
    return [platform_of(row) for row in session.scalars(query)]


def remove(session: Session, platform_id: str, now: datetime) -> None:
    """Take a platform out of use for good; its row stays, because the log speaks of it.

    Raises:
        NotFound: there is no such platform.
    """
    row = session.get(PlatformRow, platform_id, with_for_update=True, populate_existing=True)
    if row is None or row.removed_at is not None:
        raise NotFound("There is no such platform.")
    row.removed_at, row.registration_digest = now, None


def names(session: Session) -> dict[str, str]:
    """Return the name of every client by its id, removed ones too: the log speaks of them."""
    return {row.id: row.name for row in session.execute(select(PlatformRow.id, PlatformRow.name))}


def stored_at(session: Session, platform_id: str) -> datetime | None:
    """Return when the registration, keys and all, was last written; None when there is no such platform."""
    row = session.get(PlatformRow, platform_id)
    return None if row is None else row.updated_at or row.created_at


def platform_of(row: Row[Any] | PlatformRow) -> Platform:
    """Return the platform that a row holds."""
    return Platform(
        id=row.id,
        kind=PlatformKind(row.kind),
        name=row.name,
        jwks=row.jwks,
        redirect_uris=tuple(row.redirect_uris),
        scopes=tuple(row.scopes),
        purposes=tuple(row.purposes),
        default_purpose=row.default_purpose,
        jwks_uri=row.jwks_uri,
        bank_id=row.bank_id,
        options=Options.from_json(row.options),
    )


def _row(session: Session, platform_id: str, now: datetime) -> PlatformRow:
    row = session.get(PlatformRow, platform_id)
    if row is None:
        return PlatformRow(id=platform_id, created_at=now)
    if row.removed_at is not None:
        raise InvalidRequest("This id was that of a platform that has been removed: it is not used again.")
    row.updated_at = now
    return row


def _check_names(platform: Platform) -> None:
    if not ID.fullmatch(platform.id):
        raise InvalidRequest("A platform needs an id of 3 to 64 letters, digits, dots or hyphens.")
    if _LIKE_A_PERSON.fullmatch(platform.id):
        raise InvalidRequest("This id looks like that of a person: choose another.")
    # Characters that are not seen could make one name look like another on the consent page.
    is_readable = platform.name.strip() and platform.name.isprintable() and len(platform.name) <= _LONGEST_NAME
    if not is_readable:
        raise InvalidRequest("A platform needs a name of at most 120 visible characters.")


def _check_kind(platform: Platform) -> None:
    if (platform.kind is PlatformKind.BANK) != (platform.bank_id is not None):
        raise InvalidRequest("A bank's client names the bank that it acts for, and no other client does.")
    if not set(platform.options.machine_scopes) <= set(MachineScope):
        raise InvalidRequest(f"What a client may do for itself is one of {', '.join(MachineScope)}.")


def _check_policies(catalogue: Catalogue, platform: Platform) -> None:
    for purpose in platform.purposes:
        if purpose not in catalogue.purposes:
            raise PolicyRefused(f"{purpose} is not an allowed purpose.", code="purpose-forbidden")
    allowed = {name for purpose in platform.purposes for name in catalogue.purposes[purpose].needs}
    if unknown := sorted(set(platform.scopes) - allowed):
        raise PolicyRefused(f"No purpose of this platform allows {unknown[0]}.", code="category-not-granted")
    if platform.default_purpose is not None and platform.default_purpose not in platform.purposes:
        raise InvalidRequest("The default purpose must be one of the platform's purposes.")
