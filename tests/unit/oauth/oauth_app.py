"""An app that speaks OAuth to the broker: its keys, its assertions and proofs, its requests."""

import json
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, cast
from urllib.parse import parse_qs, urlencode, urlsplit

from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey, Key
from joserfc.jws import JWSRegistry
from werkzeug.test import TestResponse

BASE = "http://localhost:8400"
CALLBACK = "http://localhost:4199/cb?tenant=a%2Fb"
SCOPES = ("accounts", "balances", "transactions", "card_locations")
ASKED = [
    {
        "type": "bank_data",
        "purpose": "chat_banking",
        "categories": [
            {"name": "balances"},
            {"name": "transactions", "detail": "detail"},
            {"name": "card_locations", "precision": "town"},
        ],
        "duration_days": 90,
    }
]
_TOLERANT = JWSRegistry(algorithms=["ES256", "PS256", "Ed25519", "HS256", "RS256"], strict_check_header=False)


class Watch:
    """A clock that stands still until told otherwise."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 12, 0, 0, 250_000, UTC)

    def __call__(self) -> datetime:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def sign(header: dict[str, Any], claims: dict[str, Any], key: Key) -> str:
    return jwt.encode(header, claims, key, registry=_TOLERANT)


def proof(key: Key, watch: Watch, *, method: str = "POST", url: str = "", header: Any = None, **claims: Any) -> str:
    """Make a DPoP proof; a claim or header given as None is left out."""
    head = {"alg": "ES256", "typ": "dpop+jwt", "jwk": key.as_dict(private=False), **(header or {})}
    body = {"jti": secrets.token_urlsafe(12), "htm": method, "htu": url, "iat": int(watch.now.timestamp()), **claims}
    return sign(_given(head), _given(body), key)


def _given(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def location(response: TestResponse) -> tuple[str, dict[str, str]]:
    """Return the address of a redirect without query, and its parameters."""
    assert response.status_code == 303, response.text
    parts = urlsplit(response.headers["Location"])
    return parts.path if not parts.netloc else f"{parts.scheme}://{parts.netloc}{parts.path}", {
        name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()
    }


@dataclass
class App:
    """A client of the broker with its own keys."""

    id: str
    http: FlaskClient
    watch: Watch
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"alg": "ES256"}, auto_kid=True))
    dpop_key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"))
    verifier: str = "v" * 50

    def assertion(self, *, header: Any = None, key: Key | None = None, **claims: Any) -> str:
        now = int(self.watch.now.timestamp())
        body = {"iss": self.id, "sub": self.id, "aud": BASE, "jti": secrets.token_urlsafe(12), "iat": now}
        head = {"alg": "ES256", "kid": self.key.kid, "typ": "JWT", **(header or {})}
        return sign(_given(head), _given({**body, "exp": now + 60, **claims}), key or self.key)

    def authenticated(self, **parameters: Any) -> dict[str, Any]:
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        known = {"client_assertion_type": kind, "client_assertion": self.assertion()}
        return _given({**known, **parameters})

    def post(self, path: str, *, dpop: str | None = None, **parameters: Any) -> TestResponse:
        headers = {"DPoP": dpop} if dpop else {}
        return self.http.post(path, data=self.authenticated(**parameters), headers=headers)

    def pushes(self, *, dpop: str | None = None, **parameters: Any) -> TestResponse:
        challenge = urlsafe_b64encode(sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        request = {
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "state": "state & more",
        }
        if "scope" not in parameters:
            request["authorization_details"] = json.dumps(ASKED)
        return self.post("/oauth/par", dpop=dpop, **{**request, **parameters})

    def proof(self, path: str = "/oauth/token", **claims: Any) -> str:
        return proof(self.dpop_key, self.watch, url=BASE + path, **claims)

    def redeems(self, code: str, /, *, dpop: str | None = None, **parameters: Any) -> TestResponse:
        request = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": self.verifier,
        }
        return self.post("/oauth/token", dpop=dpop or self.proof(), **{**request, **parameters})

    def refreshes(self, token: str, *, dpop: str | None = None, **parameters: Any) -> TestResponse:
        request = {"grant_type": "refresh_token", "refresh_token": token}
        return self.post("/oauth/token", dpop=dpop or self.proof(), **{**request, **parameters})

    def machine_token(self, *scopes: str, nonce: str | None = None) -> str:
        """Get a token for the app itself."""
        response = self.asks_for_itself(*scopes, nonce=nonce)
        assert response.status_code == 200, response.text
        return cast("str", response.json["access_token"])  # type: ignore[index]  # status checked

    def asks_for_itself(self, *scopes: str, nonce: str | None = None, **parameters: Any) -> TestResponse:
        request = {"grant_type": "client_credentials", "scope": " ".join(scopes) or None}
        return self.post("/oauth/token", dpop=self.proof(nonce=nonce), **{**request, **parameters})

    def calls(self, method: str, path: str, token: str, *, dpop: str | None = None, **claims: Any) -> TestResponse:
        """Call a resource with a token and a proof for it."""
        ath = urlsafe_b64encode(sha256(token.encode()).digest()).rstrip(b"=").decode()
        made = dpop or proof(self.dpop_key, self.watch, method=method, url=BASE + path, **{"ath": ath, **claims})
        return self.http.open(path, method=method, headers={"Authorization": f"DPoP {token}", "DPoP": made})

    def introspects(self, token: str) -> dict[str, Any]:
        response = self.post("/oauth/introspect", token=token)
        assert response.status_code == 200, response.text
        return cast("dict[str, Any]", response.json)

    def sends(self, browser: FlaskClient, **parameters: Any) -> TestResponse:
        """Push a request and let a browser follow it."""
        pushed = self.pushes(**parameters)
        assert pushed.status_code == 201, pushed.text
        query = urlencode({"client_id": self.id, "request_uri": pushed.json["request_uri"]})  # type: ignore[index]  # status checked
        return browser.get(f"/oauth/authorize?{query}")
