"""Speaks OpenID Connect with a bank: Authlib checks state, PKCE, nonce and the ID token; the bank is not trusted.

Authlib takes settings out of the bank's metadata, so a bank could switch PKCE off there. Therefore the metadata is
read here, and only the three endpoints that pass a check are handed on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from authlib.integrations.flask_client import FlaskIntegration, FlaskOAuth2App
from authlib.integrations.requests_client import OAuth2Session

from broker.banks.service import Bank
from broker.edge.services import services
from broker.errors import BankInvalidAnswer

_ASSERTION = "private_key_jwt"
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SIGNATURES = ["ES256", "PS256"]  # FAPI 2.0 §5.4.1, without EdDSA, which no bank here uses
_OK = 200


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What is used of a bank's metadata (OpenID Connect Discovery 1.0 §3)."""

    authorization: str
    token: str
    jwks: str
    names_issuer: bool


class BankSession(OAuth2Session):  # type: ignore[misc]  # Authlib publishes no types
    """Authlib's session, reaching the network through `outbound` alone."""

    def __init__(self, bank_id: str, **settings: Any) -> None:
        super().__init__(**settings)
        self.trust_env = False
        self.max_redirects = 0
        self.adapters = services().bank_session(bank_id).adapters


class BankClient(FlaskOAuth2App):  # type: ignore[misc]  # Authlib publishes no types
    """The broker as a client of one bank."""

    def __init__(self, bank: Bank, **settings: Any) -> None:
        super().__init__(FlaskIntegration(bank.id), bank.id, client_id=bank.client_id, **settings)
        self.client_cls = partial(BankSession, bank.id)


def endpoints_of(bank: Bank) -> Endpoints:
    """Read the bank's metadata.

    Raises:
        BankUnavailable: or BankInvalidAnswer, when it is another issuer's or leads to another host.
    """
    url = f"{bank.issuer.rstrip('/')}/.well-known/openid-configuration"
    try:
        answer: requests.Response = services().bank_session(bank.id).get(url, headers={"Accept": "application/json"})
        found = answer.json() if answer.status_code == _OK else None
    except (requests.RequestException, ValueError, RecursionError) as error:
        raise BankInvalidAnswer from error
    # RFC 8414 §3.3: the issuer has to be identical, or the metadata must not be used.
    if not isinstance(found, dict) or found.get("issuer") != bank.issuer:
        raise BankInvalidAnswer
    origins = {_origin(bank.issuer), _origin(bank.api_base)}
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    urls = [found.get(name) for name in names]
    if not all(isinstance(url, str) and _origin(url) in origins for url in urls):
        raise BankInvalidAnswer
    authorization, token, jwks = map(str, urls)
    return Endpoints(authorization, token, jwks, found.get("authorization_response_iss_parameter_supported") is True)


def client_of(bank: Bank, endpoints: Endpoints, scope: str) -> BankClient:
    """Return the client with which one sign-in at this bank is done."""
    return BankClient(
        bank,
        authorize_url=endpoints.authorization,
        access_token_url=endpoints.token,
        client_kwargs={"scope": scope, "code_challenge_method": "S256", "token_endpoint_auth_method": _ASSERTION},
        client_auth_methods=[(_ASSERTION, _authentication(bank))],
        issuer=bank.issuer,
        jwks_uri=endpoints.jwks,
        id_token_signing_alg_values_supported=_SIGNATURES,
    )


def redirect_uri(bank: Bank) -> str:
    """Return where this bank sends the browser back; each bank has its own, so that answers cannot be mixed up."""
    return f"{services().settings.base_url}/sign-in/{bank.id}/callback"


def _authentication(bank: Bank) -> Callable[..., tuple[str, Any, str]]:
    def sign(_auth: Any, _method: str, uri: str, headers: Any, body: Any) -> tuple[str, Any, str]:
        """Add the client's assertion (RFC 7523 §2.2); its audience is the issuer that the operator configured."""
        assertion = services().keyset.client_assertion(bank.client_id, bank.issuer, services().clock())
        proof = {"client_id": bank.client_id, "client_assertion_type": _ASSERTION_TYPE, "client_assertion": assertion}
        text = body.decode() if isinstance(body, bytes) else body or ""
        return uri, headers, "&".join(filter(None, (text, urlencode(proof))))

    return sign


def _origin(url: str) -> str:
    """Return scheme, host and port; an empty text for what is no URL, which is no bank's origin."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}"
