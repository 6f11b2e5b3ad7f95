"""Tells resource servers what a token is worth at this instant (RFC 7662), and platforms about their own tokens."""

from collections.abc import Mapping
from typing import Any

from broker.edge.services import services
from broker.grants.views import Grant
from broker.oauth.client_credentials import introspected
from broker.oauth.clients import announced_endpoint, authenticate
from broker.oauth.form import required
from broker.oauth.granted import details_of
from broker.oauth.proofs import spend
from broker.platforms.service import Platform, PlatformKind
from broker.tokens.machine import find_machine
from broker.tokens.service import Token, TokenKind, find_token

_INACTIVE = {"active": False}


def introspect(form: Mapping[str, str]) -> dict[str, Any]:
    """Return what is live of a token; `{"active": false}` and no more for anything else (RFC 7662 §2.2).

    Raises:
        OAuthRefused: the caller is refused.
        InvalidRequest: there is no token in the request.
    """
    client = authenticate(form)
    secret = required(form, "token")
    now = services().clock()
    with services().database.write() as session:
        replayed = spend(session, client)
        token = None if replayed else find_token(session, secret)
        grant = services().grant_reader.find(session, token.grant_id, now) if token else None
        machine = None if replayed or token else find_machine(session, secret)
    if replayed is not None:
        raise replayed
    if machine is not None:
        return introspected(machine, client, now)
    if token is None or grant is None or not token.is_live(now) or not _may_know(client.platform, token):
        return _INACTIVE
    live = tuple(name for name in grant.live_categories if name in token.categories)
    return _told(token, grant, live) if live else _INACTIVE


def announced(base_url: str) -> dict[str, Any]:
    """Return what the metadata says of this endpoint (RFC 8414 §2)."""
    return announced_endpoint("introspection_endpoint", f"{base_url}/oauth/introspect")


def _may_know(platform: Platform, token: Token) -> bool:
    """Access tokens are for resource servers; a platform may ask about what was issued to it and nothing else."""
    if platform.kind is PlatformKind.RESOURCE_SERVER:
        return token.kind is TokenKind.ACCESS
    return token.platform_id == platform.id


def _told(token: Token, grant: Grant, live: tuple[str, ...]) -> dict[str, Any]:
    issuer = services().settings.base_url
    told: dict[str, Any] = {
        "active": True,
        "scope": " ".join(live),
        "client_id": token.platform_id,
        "grant_id": grant.id,
        "sub": grant.subject_id,
        "exp": int(token.expires_at.timestamp()),
        "iat": int(token.issued_at.timestamp()),
        "iss": issuer,
        "aud": issuer,
        "authorization_details": details_of(grant, live, grant.live_accounts),
    }
    if token.jkt is not None:
        told |= {"token_type": "DPoP", "cnf": {"jkt": token.jkt}}
    return told
