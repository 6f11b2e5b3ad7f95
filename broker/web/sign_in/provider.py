"""Speaks OpenID Connect with a bank: Authlib checks state, PKCE, nonce and the ID token; the bank is not trusted.

Authlib takes settings out of the bank's metadata, so a bank could switch PKCE off there. Therefore it is never given
the metadata, only the three endpoints that passed a check.
"""

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode

from authlib.integrations.flask_client import FlaskIntegration, FlaskOAuth2App
from authlib.integrations.requests_client import OAuth2Session

from broker.banks.service import Bank
from broker.crypto.jwt import ASSERTION_TYPE
from broker.edge.services import services
from broker.web.sign_in.endpoints import Endpoints

_ASSERTION = "private_key_jwt"
_SIGNATURES = ["ES256", "PS256"]  # FAPI 2.0 §5.4.1, without EdDSA, which no bank here uses


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
        assertion = services().keyset.client_assertion(bank.client_id, bank.issuer, services().wall())
        proof = {"client_id": bank.client_id, "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
        text = body.decode() if isinstance(body, bytes) else body or ""
        return uri, headers, "&".join(filter(None, (text, urlencode(proof))))

    return sign
