"""Adds and finds platforms; refuses registrations that the profile or the policies forbid."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from broker.crypto.jwt import JwtRefused, public_key
from broker.errors import InvalidRequest, PolicyRefused
from broker.platforms.models import PlatformRow
from broker.platforms.options import NO_OPTIONS, Options
from broker.policy import Catalogue
from broker.policy.vocabulary import MachineScope
from broker.storage.base import first_row, table_of

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,63}")
_LOOPBACK = {"localhost", "127.0.0.1", "[::1]", "::1"}
_URL = re.compile(r"[!-~]{1,2000}")
# Built once, and run without the ORM: each call of a client asks.
_PLATFORMS = table_of(PlatformRow)
_FOUND = select(_PLATFORMS).where(_PLATFORMS.c.id == bindparam("of_id"), _PLATFORMS.c.removed_at.is_(None))
# What is registered must be kept: nothing here acts on these yet.
_UNSERVED = {
    "jwks_uri",
    "requires_signed_requests",
    "request_object_signing_alg",
    "authorization_signed_response_alg",
    "introspection_signed_response_alg",
    "token_endpoint_auth_signing_alg",
}


class PlatformKind(StrEnum):
    """What a client is for."""

    PLATFORM = "platform"
    RESOURCE_SERVER = "resource_server"
    BANK = "bank"


@dataclass(frozen=True, slots=True)
class Platform:
    """One client. `jwks` is a public JWK Set (RFC 7517); `scopes` are the categories it may ask for.

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
    """Store a platform, or replace its registration.

    `http_loopback` allows http redirect URIs on loopback hosts (sandbox mode only).

    Raises:
        InvalidRequest: a key, a redirect URI, a name or an option cannot be used, or the id was a removed platform's.
        PolicyRefused: a forbidden or unknown purpose, or a category that no purpose of the platform allows.
    """
    if not _ID.fullmatch(platform.id) or not platform.name.strip():
        raise InvalidRequest("A platform needs an id of 3 to 64 letters, digits, dots or hyphens, and a name.")
    _check_served(platform)
    _check_jwks(platform.jwks)
    for uri in platform.redirect_uris:
        _check_redirect_uri(uri, http_loopback=http_loopback)
    _check_policies(catalogue, platform)
    row = _row(session, platform.id, now)
    row.kind, row.name, row.jwks = platform.kind.value, platform.name, platform.jwks
    row.redirect_uris, row.scopes = list(platform.redirect_uris), list(platform.scopes)
    row.purposes, row.default_purpose = list(platform.purposes), platform.default_purpose
    row.jwks_uri, row.bank_id, row.options = platform.jwks_uri, platform.bank_id, platform.options.to_json()
    session.add(row)


def find(session: Session, platform_id: str) -> Platform | None:
    """Return one platform, None when there is none with this id or it has been removed."""
    row = first_row(session, _FOUND, of_id=platform_id)
    return None if row is None else _platform(row)


def names(session: Session) -> dict[str, str]:
    """Return the name of every client by its id, removed ones too: the log speaks of them."""
    return {row.id: row.name for row in session.execute(select(PlatformRow.id, PlatformRow.name))}


def _platform(row: Row[Any]) -> Platform:
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


def _check_served(platform: Platform) -> None:
    asked = platform.options.to_json() | {"jwks_uri": platform.jwks_uri}
    if unserved := sorted(name for name in _UNSERVED if asked.get(name)):
        raise InvalidRequest(f"{unserved[0]} is not supported.")
    if (platform.kind is PlatformKind.BANK) != (platform.bank_id is not None):
        raise InvalidRequest("A bank's client names the bank that it acts for, and no other client does.")
    if not set(platform.options.machine_scopes) <= set(MachineScope):
        raise InvalidRequest(f"What a client may do for itself is one of {', '.join(MachineScope)}.")


def _check_jwks(jwks: dict[str, Any]) -> None:
    """Accept the public keys that `crypto.jwt` reads, and no others (FAPI 2.0 §5.4.1)."""
    keys = jwks.get("keys")
    if not isinstance(keys, list) or not keys:
        raise InvalidRequest("The key set must hold at least one key.")
    try:
        for key in keys:
            public_key(key)
    except JwtRefused as error:
        raise InvalidRequest("Each key must be a public one: P-256, Ed25519, or RSA of 2048 to 8192 bits.") from error


def _check_redirect_uri(uri: str, *, http_loopback: bool) -> None:
    if not _is_redirect_uri(uri, http_loopback=http_loopback):
        raise InvalidRequest("A redirect URI is an absolute https URL without fragment and user information.")


def _is_redirect_uri(uri: str, *, http_loopback: bool) -> bool:
    # Visible ASCII only: a line break would end the header that carries it, and other characters can be hidden.
    if not _URL.fullmatch(uri) or "#" in uri or "*" in uri or "\\" in uri:
        return False
    try:
        parts = urlsplit(uri)
        is_clean = parts.hostname and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        return False
    is_loopback = http_loopback and parts.scheme == "http" and parts.hostname in _LOOPBACK
    return bool(is_clean) and (parts.scheme == "https" or is_loopback)


def _check_policies(catalogue: Catalogue, platform: Platform) -> None:
    for purpose in platform.purposes:
        if purpose not in catalogue.purposes:
            raise PolicyRefused(f"{purpose} is not an allowed purpose.", code="purpose-forbidden")
    allowed = {name for purpose in platform.purposes for name in catalogue.purposes[purpose].needs}
    if unknown := sorted(set(platform.scopes) - allowed):
        raise PolicyRefused(f"No purpose of this platform allows {unknown[0]}.", code="category-not-granted")
    if platform.default_purpose is not None and platform.default_purpose not in platform.purposes:
        raise InvalidRequest("The default purpose must be one of the platform's purposes.")
