"""Authenticates clients with private_key_jwt (RFC 7523 §3, FAPI 2.0 §5.3.2.1-6, -8, -13).

Why an assertion was refused is not told: the answer is `invalid_client` and nothing more.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import request

from broker.crypto.jwt import ASSERTION_TYPE, Jwt, JwtRefused, PublicKey, public_key, read_jwt
from broker.edge.dpop import ALGORITHMS
from broker.edge.services import services
from broker.oauth.errors import OAuthRefused
from broker.platforms.service import Platform, PlatformKind, find
from broker.storage.single_use import Claim
from broker.telemetry import add_facts

_TYPES = (None, "JWT", "client-authentication+jwt")
_SKEW = timedelta(seconds=10)
_LONGEST_LIFE = timedelta(minutes=10)
_MEMORY = timedelta(seconds=60)
_LONGEST_JTI = 256
_CLIENT_ID = re.compile(r"[A-Za-z0-9._-]{3,64}")
_KEY_TYPES = {"PS256": "RSA", "ES256": "EC", "EdDSA": "OKP", "Ed25519": "OKP"}


@dataclass(frozen=True, slots=True)
class Client:
    """An authenticated client, and the claim by which its assertion is used once."""

    platform: Platform
    claim: Claim


def authenticate(form: Mapping[str, str]) -> Client:
    """Find out which client sent this form; the caller must take `Client.claim` with what it does.

    Raises:
        OAuthRefused: `invalid_client`, whatever the reason.
    """
    in_another_way = "client_secret" in form or "Authorization" in request.headers
    if form.get("client_assertion_type") != ASSERTION_TYPE or in_another_way:
        raise refused()
    try:
        jwt = read_jwt(form.get("client_assertion", ""))
    except JwtRefused as error:
        raise refused() from error
    client_id = jwt.claims.get("sub")
    if not isinstance(client_id, str) or not _CLIENT_ID.fullmatch(client_id):
        raise refused()
    if form.get("client_id", client_id) != client_id:
        raise refused()
    with services().database.read() as session:
        platform = find(session, client_id)
    if platform is None or not _may_use(platform, jwt.header["alg"]):
        raise refused()
    single_use = _single_use(jwt, client_id, services().wall())  # first: looking for keys may take a call
    if not any(jwt.is_signed_by(key) for key in public_keys(platform, jwt)):
        raise refused()
    add_facts(platform=platform.id)
    return Client(platform, single_use)


def authenticate_platform(form: Mapping[str, str]) -> Client:
    """Find out which platform sent this form.

    Raises:
        OAuthRefused: `invalid_client`, or `unauthorized_client` for a resource server or a bank.
    """
    client = authenticate_holder(form)
    if client.platform.kind is PlatformKind.BANK:
        raise OAuthRefused("unauthorized_client", "This client acts for a bank and asks no person for anything.")
    return client


def authenticate_holder(form: Mapping[str, str]) -> Client:
    """Find out which client, of those that can hold tokens, sent this form.

    Raises:
        OAuthRefused: `invalid_client`, or `unauthorized_client` for a resource server.
    """
    client = authenticate(form)
    if client.platform.kind is PlatformKind.RESOURCE_SERVER:
        raise OAuthRefused("unauthorized_client", "This client may introspect tokens and nothing else.")
    return client


def refused() -> OAuthRefused:
    """Return the one answer to every failed authentication."""
    return OAuthRefused("invalid_client", "The client could not be authenticated.")


def announced_endpoint(name: str, url: str) -> dict[str, Any]:
    """Return what the metadata says of one endpoint where clients authenticate, as `token_endpoint` (RFC 8414 §2)."""
    return {
        name: url,
        f"{name}_auth_methods_supported": ["private_key_jwt"],
        f"{name}_auth_signing_alg_values_supported": list(ALGORITHMS),
    }


def public_keys(platform: Platform, jwt: Jwt) -> Iterator[PublicKey]:
    """Yield the client's keys that may have signed: chosen by kid, kty, crv, use and alg (FAPI 2.0 §5.4.3)."""
    algorithm, kid = jwt.header["alg"], jwt.header.get("kid")
    for jwk in services().client_keys.of(platform, kid if isinstance(kid, str) else None):
        fits = jwk.get("kty") == _KEY_TYPES[algorithm] and jwk.get("use", "sig") == "sig"
        if fits and jwk.get("alg", algorithm) in _names_of(algorithm) and kid in (None, jwk.get("kid")):
            try:
                yield public_key(jwk)
            except JwtRefused:
                continue  # a key that cannot be used authenticates nobody


def _may_use(platform: Platform, algorithm: str) -> bool:
    """Hold a client to the algorithm that it has registered, if it has (RFC 7591 §2)."""
    return platform.options.token_endpoint_auth_signing_alg in {None, *_names_of(algorithm)}


def _names_of(algorithm: str) -> set[str]:
    return {"EdDSA", "Ed25519"} if algorithm in {"EdDSA", "Ed25519"} else {algorithm}


def _single_use(jwt: Jwt, client_id: str, now: datetime) -> Claim:
    claims, jti = jwt.claims, jwt.claims.get("jti")
    # The audience is our issuer as one string: an array could name a second server that would replay it to us.
    is_for_us = claims.get("aud") == services().settings.base_url and claims.get("iss") == client_id
    is_named = isinstance(jti, str) and 1 <= len(jti) <= _LONGEST_JTI
    is_typed = jwt.header.get("typ") in _TYPES
    if not (is_for_us and is_named and is_typed and _is_timely(claims, now)):
        raise refused()
    expires_at = datetime.fromtimestamp(claims["exp"], UTC)
    return Claim("assertion", f"{client_id} {jti}", expires_at + _SKEW + _MEMORY)


def _is_timely(claims: Mapping[str, Any], now: datetime) -> bool:
    """Compare as numbers: infinity, NaN and huge numbers are no instants."""
    earliest_end, latest_end = (now - _SKEW).timestamp(), (now + _LONGEST_LIFE).timestamp()
    latest_start = (now + _SKEW).timestamp()
    starts = [claims[name] for name in ("iat", "nbf") if name in claims]
    return _is_between(claims.get("exp"), earliest_end, latest_end) and all(
        _is_between(start, 0, latest_start) for start in starts
    )


def _is_between(value: Any, least: float, most: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most
