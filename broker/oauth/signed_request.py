"""Opens signed requests: request objects that are pushed (JAR: RFC 9101, FAPI 2.0 Message Signing §5.3).

Trusted: what comes out of a request object was signed by the authenticated client itself, for this server, within the
last hour. Nothing beside it is believed but the client's authentication.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from sqlalchemy.orm import Session

from broker.crypto.jwt import ALGORITHMS, Jwt, JwtRefused, read_jwt
from broker.edge.services import services
from broker.oauth.clients import Client, public_keys
from broker.oauth.errors import OAuthRefused
from broker.storage.single_use import Claim, claim

_TYPES = (None, "JWT", "oauth-authz-req+jwt")
_AUTHENTICATION = {"client_assertion", "client_assertion_type"}
_NO_PARAMETERS = {"iss", "aud", "exp", "nbf", "iat", "jti"}
_FORBIDDEN = ("request", "request_uri", "sub")
_LIFE = timedelta(minutes=60)
_SKEW = timedelta(seconds=10)
_MEMORY = timedelta(seconds=60)
_LONGEST_JTI = 256


@dataclass(frozen=True, slots=True)
class Opened:
    """The parameters of a request, wherever they stood; `claim` lets a request object with a `jti` be used once."""

    parameters: Mapping[str, str]
    claim: Claim | None = None

    def spend(self, session: Session) -> Exception | None:
        """Take the claim; return the refusal, not raised inside the transaction, if it was taken before."""
        if self.claim is None or claim(session, self.claim):
            return None
        return _refusal("The request object was used before: sign a new one for each request.")


def opened(form: Mapping[str, str], client: Client, now: datetime) -> Opened:
    """Return the parameters that a client signed, or the form's own where it signed none and need not.

    Raises:
        OAuthRefused: `invalid_request_object` for a bad one; `invalid_request` when one is missing or something beside
            it says something else.
    """
    text = form.get("request")
    if text is None:
        if client.platform.options.requires_signed_requests:
            raise OAuthRefused("invalid_request", "This client must push signed requests: request is missing.")
        return Opened(form)
    jwt = _read(text, client)
    _check_claims(jwt.claims, client.platform.id, now)
    parameters = {name: _text(name, value) for name, value in jwt.claims.items() if name not in _NO_PARAMETERS}
    for name, value in form.items():
        if name != "request" and name not in _AUTHENTICATION and parameters.get(name) != value:
            raise OAuthRefused("invalid_request", "A parameter stands beside the request object and not in it.")
    return Opened({name: value for name, value in parameters.items() if value}, _single_use(jwt.claims, client))


def announced(_base_url: str) -> dict[str, Any]:
    """Return what the metadata says of signed requests (RFC 9101 §10.5, RFC 9126 §5)."""
    return {
        "request_parameter_supported": True,
        "request_object_signing_alg_values_supported": list(ALGORITHMS),
    }


def _read(text: str, client: Client) -> Jwt:
    """Check algorithm, type and signature (RFC 9101 §6.2)."""
    try:
        jwt = read_jwt(text)
    except JwtRefused as error:
        raise _refusal("The request object is not a JWT with an algorithm that is accepted.") from error
    agreed = client.platform.options.request_object_signing_alg
    if agreed is not None and _one_name(jwt.header["alg"]) != _one_name(agreed):
        _refuse("The request object is signed with another algorithm than this client registered.")
    if jwt.header.get("typ") not in _TYPES:
        _refuse("The request object is of another type.")
    if not any(jwt.is_signed_by(key) for key in public_keys(client.platform, jwt)):
        _refuse("No registered key of this client has signed the request object.")
    return jwt


def _one_name(algorithm: str) -> str:
    return "Ed25519" if algorithm == "EdDSA" else algorithm


def _check_claims(claims: Mapping[str, Any], client_id: str, now: datetime) -> None:
    """Check for whom and for how long it was signed (FAPI 2.0 Message Signing §5.3.1)."""
    issuer, audience = services().settings.base_url, claims.get("aud")
    is_for_us = audience == issuer or (isinstance(audience, list) and issuer in audience)
    if not is_for_us or claims.get("iss") != client_id or claims.get("client_id") != client_id:
        _refuse("The request object must name this client as iss and client_id, and this server as aud.")
    if any(name in claims for name in _FORBIDDEN):
        _refuse("A request object holds neither request nor request_uri nor sub.")
    begins, ends = _instant(claims, "nbf"), _instant(claims, "exp")
    latest_start = (now + _SKEW).timestamp()
    if not (now - _LIFE).timestamp() <= begins <= latest_start or not _instant(claims, "iat", begins) <= latest_start:
        _refuse("The request object is too old, or from the future.")
    if not (now - _SKEW).timestamp() <= ends <= begins + _LIFE.total_seconds():
        _refuse("The request object has expired, or lives longer than 60 minutes.")


def _instant(claims: Mapping[str, Any], name: str, default: float | None = None) -> float:
    value = claims.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        _refuse(f"The request object has no good {name}.")
    return value


def _text(name: str, value: Any) -> str:
    """Return a member as the parameter that a form would have brought (RFC 9101 §4)."""
    if name == "authorization_details" and isinstance(value, list):
        return json.dumps(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    # As in a form: no zero, and no half of a surrogate pair, which has no encoding.
    if not isinstance(value, str) or "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        _refuse("A member of the request object is no clean text.")
    return value


def _single_use(claims: Mapping[str, Any], client: Client) -> Claim | None:
    jti = claims.get("jti")
    if jti is None:
        return None
    if not isinstance(jti, str) or not 1 <= len(jti) <= _LONGEST_JTI:
        _refuse("The jti of the request object is no text of 1 to 256 characters.")
    expires_at = datetime.fromtimestamp(claims["exp"], UTC)
    return Claim("request-object", f"{client.platform.id} {jti}", expires_at + _SKEW + _MEMORY)


def _refusal(description: str) -> OAuthRefused:
    return OAuthRefused("invalid_request_object", description)


def _refuse(description: str) -> NoReturn:
    raise _refusal(description)
