"""The platform's side of a fleet: quick signed calls, prepared as bytes or made at once."""

import hashlib
import secrets
import time
import uuid
from typing import Any

from tests.support.presence import PRESENT
from tests.support.signer import Signer, b64
from tests.support.wire import Answer, Line, message

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CALLBACK = "http://localhost:4199/cb"
PATHS = {
    "accounts": "/v1/accounts",
    "balances": "/v1/accounts/balances",
    "card_locations": "/v1/card-locations",
}
"""Where each category is read that needs no account in its address."""


class Caller:
    """One machine of a platform: the platform's key, a DPoP key of its own, one connection. For one thread."""

    def __init__(self, base_url: str, port: int, platform_id: str, key: Signer) -> None:
        self.base_url = base_url
        self.platform_id = platform_id
        self.key = key
        self.dpop = Signer()
        self.line = Line(port)

    def form(
        self, path: str, fields: dict[str, Any], *, proof: str | None = None, assertion: str | None = None
    ) -> bytes:
        """Prepare a post to an OAuth endpoint, authenticated and with a proof, new ones unless given."""
        signed = assertion or self.key.assertion(self.platform_id, self.base_url)
        body = {"client_id": self.platform_id, "client_assertion_type": ASSERTION_TYPE, "client_assertion": signed}
        headers = {"DPoP": proof or self.dpop.proof("POST", self.base_url + path)}
        return message("POST", path, headers, body | fields)

    def reading(
        self,
        path: str,
        token: str,
        *,
        proof: str | None = None,
        interaction_id: str | None = None,
        is_attended: bool = True,
    ) -> bytes:
        """Prepare a call of the API."""
        signed = proof or self.dpop.proof("GET", self.base_url + path, token)
        named = interaction_id or str(uuid.uuid4())
        shown = {"Authorization": f"DPoP {token}", "DPoP": signed}
        present = PRESENT if is_attended else {}
        return message("GET", path, {**shown, "x-fapi-interaction-id": named, **present})

    def read(self, category: str, token: str, interaction_id: str | None = None) -> Answer:
        """Read one category of all granted accounts.

        Raises: LineBroken
        """
        return self.line.call(self.reading(PATHS[category], token, interaction_id=interaction_id))

    def refreshing(self, token: str, **given: Any) -> bytes:
        """Prepare a refresh."""
        return self.form("/oauth/token", {"grant_type": "refresh_token", "refresh_token": token}, **given)

    def refresh(self, token: str) -> Answer:
        """Exchange a refresh token.

        Raises: LineBroken
        """
        return self.line.call(self.refreshing(token))

    def redeeming(self, code: str, verifier: str, **given: Any) -> bytes:
        """Prepare the redemption of a code."""
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": verifier,
        }
        return self.form("/oauth/token", fields, **given)

    def pushing(self, details: str, verifier: str, **given: Any) -> bytes:
        """Prepare a pushed authorization request; `details` is JSON text."""
        return self.form("/oauth/par", _asked(details, verifier), **given)

    def request_object(self, details: str, verifier: str) -> str:
        """Sign an authorization request (RFC 9101); post it as `request` to `/oauth/par`."""
        now = int(time.time())
        own = {"iss": self.platform_id, "client_id": self.platform_id, "aud": self.base_url}
        times = {"iat": now, "nbf": now, "exp": now + 300, "jti": secrets.token_urlsafe(12)}
        return self.key.jwt({"typ": "oauth-authz-req+jwt"}, own | times | _asked(details, verifier))


def _asked(details: str, verifier: str) -> dict[str, str]:
    return {
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "state": secrets.token_urlsafe(8),
        "code_challenge": challenge_of(verifier),
        "code_challenge_method": "S256",
        "authorization_details": details,
    }


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a PKCE verifier (RFC 7636 §4.2)."""
    return b64(hashlib.sha256(verifier.encode()).digest())


def new_verifier() -> str:
    return secrets.token_urlsafe(48)
