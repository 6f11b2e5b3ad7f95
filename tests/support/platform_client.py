"""A strict platform written for the tests: PAR, PKCE, private_key_jwt, DPoP, with every value open to tampering."""

import base64
import hashlib
import json
import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.support.presence import PRESENT

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CALLBACK = "http://localhost:4199/cb"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Pushed:
    """One authorization request on its way."""

    request_uri: str
    verifier: str
    state: str
    url: str


@dataclass
class Tokens:
    """What the token endpoint gave."""

    access: str
    refresh: str | None
    answer: dict[str, Any]


@dataclass
class PlatformClient:
    """One client of the broker with its own DPoP key."""

    issuer: str
    client_id: str
    jwk: Mapping[str, Any]
    redirect_uri: str = CALLBACK
    dpop_key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", auto_kid=True))

    def __post_init__(self) -> None:
        self.http = requests.Session()
        self.http.trust_env = False
        self.key = ECKey.import_key(dict(self.jwk))
        self.nonces: dict[str, dict[str, str]] = {"as": {}, "rs": {}}
        answer = self.http.get(f"{self.issuer}/.well-known/oauth-authorization-server", timeout=30)
        self.metadata: dict[str, Any] = answer.json()

    @classmethod
    def of(cls, info: Mapping[str, Any], number: int = 0) -> "PlatformClient":
        platform = info["platforms"][number]
        jwk = json.loads(Path(platform["jwk_file"]).read_text(encoding="utf-8"))
        return cls(info["issuer"], platform["client_id"], jwk)

    def assertion(self, **claims: Any) -> str:
        now = int(time.time())
        content = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.issuer,
            "jti": secrets.token_urlsafe(16),
            "iat": now,
            "exp": now + 60,
        } | claims
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, content, self.key, algorithms=["ES256"])

    def proof(self, method: str, url: str, token: str | None = None, **claims: Any) -> str:
        parts = urlsplit(url)
        content: dict[str, Any] = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": f"{parts.scheme}://{parts.netloc}{parts.path}",
            "iat": int(time.time()),
        }
        if token is not None:
            content["ath"] = b64(hashlib.sha256(token.encode()).digest())
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.dpop_key.as_dict(private=False)}
        return jwt.encode(header, content | claims, self.dpop_key, algorithms=["ES256"])

    def form_post(self, endpoint: str, fields: Mapping[str, Any], *, dpop: bool = False) -> requests.Response:
        """Post to an endpoint of the metadata, authenticated unless the fields say otherwise."""
        url = self.metadata[endpoint]

        def post(**nonce: str) -> requests.Response:
            body = {
                "client_id": self.client_id,
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": self.assertion(),
            }
            body |= fields
            headers = {"DPoP": self.proof("POST", url, **nonce)} if dpop else {}
            sent = {name: value for name, value in body.items() if value is not None}
            return self.http.post(url, data=sent, headers=headers, allow_redirects=False, timeout=30)

        return self._with_nonce("as", post)

    def push(self, details: Any = None, scope: str | None = None, **fields: Any) -> requests.Response:
        """Push an authorization request; `fields` replace or (None) remove parameters."""
        self.verifier = secrets.token_urlsafe(48)
        body = {
            "response_type": "code",
            "redirect_uri": self.redirect_uri,
            "state": secrets.token_urlsafe(12),
            "code_challenge": b64(hashlib.sha256(self.verifier.encode()).digest()),
            "code_challenge_method": "S256",
            "authorization_details": None if details is None else json.dumps(details),
            "scope": scope,
        } | fields
        self.state = body["state"]
        return self.form_post("pushed_authorization_request_endpoint", body, dpop=True)

    def begin(self, details: Any = None, scope: str | None = None, **fields: Any) -> Pushed:
        answer = self.push(details, scope, **fields)
        assert answer.status_code == 201, answer.text
        request_uri = answer.json()["request_uri"]
        query = urlencode({"client_id": self.client_id, "request_uri": request_uri})
        url = f"{self.metadata['authorization_endpoint']}?{query}"
        return Pushed(request_uri, self.verifier, self.state, url)

    def redeem(self, pushed: Pushed, landed: str, **fields: Any) -> requests.Response:
        query = parse_qs(urlsplit(landed).query)
        assert query["iss"] == [self.issuer], landed
        assert query["state"] == [pushed.state], landed
        body = {
            "grant_type": "authorization_code",
            "code": query["code"][0],
            "redirect_uri": self.redirect_uri,
            "code_verifier": pushed.verifier,
        } | fields
        return self.form_post("token_endpoint", body, dpop=True)

    def tokens(self, pushed: Pushed, landed: str) -> Tokens:
        answer = self.redeem(pushed, landed)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        return Tokens(body["access_token"], body.get("refresh_token"), body)

    def refresh(self, refresh_token: str, **fields: Any) -> requests.Response:
        return self.form_post(
            "token_endpoint", {"grant_type": "refresh_token", "refresh_token": refresh_token} | fields, dpop=True
        )

    def call(self, url: str, token: str, *, proof: str | None = None, **headers: str) -> requests.Response:
        def get(**nonce: str) -> requests.Response:
            sent = self._headers(token, proof or self.proof("GET", url, token, **nonce)) | headers
            return self.http.get(url, headers=sent, allow_redirects=False, timeout=30)

        return get() if proof else self._with_nonce("rs", get)

    def for_itself(self, *scopes: str) -> str:
        """Get a token for the client itself."""
        fields = {"grant_type": "client_credentials", "scope": " ".join(scopes)}
        answer = self.form_post("token_endpoint", fields, dpop=True)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def asks(self, url: str, token: str, question: dict[str, Any]) -> requests.Response:
        """Ask for an answer in the place of data."""

        def post(**nonce: str) -> requests.Response:
            sent = self._headers(token, self.proof("POST", url, token, **nonce))
            return self.http.post(url, json=question, headers=sent, allow_redirects=False, timeout=30)

        return self._with_nonce("rs", post)

    def _headers(self, token: str, proof: str) -> dict[str, str]:
        ids = {"x-fapi-interaction-id": str(uuid.uuid4()), **PRESENT}
        return {"Authorization": f"DPoP {token}", "DPoP": proof, **ids}

    def _with_nonce(self, server: str, send: Callable[..., requests.Response]) -> requests.Response:
        """Send with the nonce that this server gave last, and once more where it wants another (RFC 9449 §8, §9)."""
        answer = send(**self.nonces[server])
        if "DPoP-Nonce" in answer.headers:
            self.nonces[server] = {"nonce": answer.headers["DPoP-Nonce"]}
            told = answer.text if server == "as" else answer.headers.get("WWW-Authenticate", "")
            if answer.status_code in {400, 401} and '"use_dpop_nonce"' in told:
                return send(**self.nonces[server])
        return answer


def details(*categories: str, **members: Any) -> list[dict[str, Any]]:
    """A `bank_data` request for these categories, with the usual steps."""
    steps: dict[str, dict[str, str]] = {"transactions": {"detail": "detail"}, "card_locations": {"precision": "town"}}
    named = [{"name": name} | steps.get(name, {}) for name in categories]
    return [{"type": "bank_data", "purpose": "chat_banking", "categories": named} | members]
