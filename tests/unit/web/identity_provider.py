"""A bank's sign-in on loopback: honest unless a test bends what it answers."""

import json
import secrets
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey


class IdentityProvider:
    """`bent_claims`, `bent_metadata` and `bent_token` replace parts of its answers; None removes a member."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://localhost:{port}"
        self.key = ECKey.generate_key("P-256", {"alg": "ES256"}, auto_kid=True)
        self.broker_keys: dict[str, Any] = {}
        self.bent_claims: dict[str, Any] = {}
        self.bent_metadata: dict[str, Any] = {}
        self.bent_token: dict[str, Any] = {}
        self.raw: dict[str, tuple[int, str, bytes]] = {}
        self.signs_with: Any = None
        self.asked: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}

    def agrees(self, location: str, **person: Any) -> str:
        """Sign the person in who was sent to `location` and return the address of the way back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        assert asked["code_challenge_method"] == "S256"
        assert asked["response_type"] == "code"
        code = secrets.token_urlsafe(12)
        self._codes[code] = {**asked, "person": json.dumps(person)}
        return self.way_back(location, code=code)

    def way_back(self, location: str, **members: str) -> str:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        answer = {"state": asked["state"], "iss": self.issuer, **members}
        query = urlencode({name: value for name, value in answer.items() if value})
        return f"{urlsplit(asked['redirect_uri']).path}?{query}"

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, str, bytes]:
        self.asked.append(path)
        if path in self.raw:
            return self.raw[path]
        if path == "/.well-known/openid-configuration":
            return _json(_bent(self._metadata(), self.bent_metadata))
        if path == "/jwks":
            return _json({"keys": [self.key.as_dict(private=False)]})
        return self._token(form) if path == "/token" else (404, "text/plain", b"")

    def _metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "authorization_response_iss_parameter_supported": True,
            "id_token_signing_alg_values_supported": ["ES256"],
        }

    def _token(self, form: dict[str, str]) -> tuple[int, str, bytes]:
        assertion = jwt.decode(
            form["client_assertion"], ECKey.import_key(self.broker_keys["keys"][0]), algorithms=["ES256"]
        )
        asked = self._codes.pop(form.get("code", ""), None)
        verifier = sha256(form.get("code_verifier", "").encode()).digest()
        proven = asked and asked["code_challenge"] == urlsafe_b64encode(verifier).rstrip(b"=").decode()
        if assertion.claims["aud"] != self.issuer or not asked or not proven:
            return _json({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": asked["client_id"], "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims = _bent({**claims, **json.loads(asked["person"])}, self.bent_claims)
        key = self.signs_with or self.key
        algorithm = "HS256" if isinstance(key, OctKey) else "ES256"
        signed = jwt.encode({"alg": algorithm, "kid": self.key.kid}, claims, key, algorithms=[algorithm])
        token = {"access_token": "at-1", "refresh_token": "rt-1", "token_type": "Bearer", "expires_in": 600}
        return _json(_bent({**token, "id_token": signed}, self.bent_token))


@contextmanager
def running_provider() -> Iterator[IdentityProvider]:
    """Serve one identity provider on a free port of loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    provider = IdentityProvider(server.server_address[1])
    server.provider = provider  # type: ignore[attr-defined]  # the handler finds it here
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield provider
    server.shutdown()
    server.server_close()
    thread.join()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._send({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self._send({name: values[0] for name, values in parse_qs(body).items()})

    def _send(self, form: dict[str, str]) -> None:
        status, kind, body = self.server.provider.answer(self.path, form)  # type: ignore[attr-defined]  # set above
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _bent(honest: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**honest, **changes}.items() if value is not None}


def _json(value: Any, status: int = 200) -> tuple[int, str, bytes]:
    return status, "application/json", json.dumps(value).encode()
