"""A small broker of the tests' own, real HTTP on loopback: it checks every proof that Messenger sends."""

import base64
import hashlib
import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
import requests
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

CLIENT_ID = "messenger"
ACCOUNTS = [
    {"accountId": "acc~1", "displayName": "Everyday", "maskedNumber": "••1234", "productCategory": "CURRENT"},
    {"accountId": "acc~2", "displayName": "<b>Savings</b>", "maskedNumber": "••9876", "currency": "EUR"},
]
BALANCES = [
    {"accountId": "acc~1", "currentBalance": "1204.35", "availableBalance": "1180.10", "currency": "GBP"},
    {"accountId": "acc~2", "currentBalance": "-12.00", "currency": "EUR"},
]


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Refusal(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        super().__init__(body)
        self.status, self.body, self.headers = status, body, headers or {}


class FakeBroker:
    """Authorization server and API in one, with knobs for the stories."""

    def __init__(self) -> None:
        self.reset()
        self.key = ECKey.generate_key("P-256", {"alg": "ES256", "kid": "m1", "use": "sig"}, private=True)
        fake = self

        class Door(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                fake.serve(self, "")

            def do_POST(self) -> None:
                fake.serve(self, self.rfile.read(int(self.headers["Content-Length"])).decode())

            do_PATCH = do_POST  # noqa: N815 - the name is the standard library's

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.issuer = f"http://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def reset(self) -> None:
        """Turn all knobs back and forget all tokens."""
        self.decision = "approve"
        self.granted = ["accounts", "balances", "transactions", "card_locations"]
        self.refusals: dict[str, tuple[int, str]] = {}
        self.rule = "some.rule"
        self.data: dict[str, list[dict[str, Any]]] = {
            "accounts": ACCOUNTS, "balances": BALANCES, "transactions": [], "cardLocations": [],
        }  # fmt: skip
        self.lifetime = 300
        self.missing: object = []
        self.push_error = ""
        self.raw_answer: bytes | None = None
        self.next_link: str | None = None
        self.receipt: str | None = None
        self.wrong_issuer = False
        self.other_metadata: dict[str, object] = {}
        self.nonces: dict[str, str] = {}
        self.challenges: list[str] = []
        self.grant_lives = True
        self.pushed: dict[str, dict[str, str]] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.access: dict[str, str] = {}
        self.refresh: set[str] = set()
        self.revoked: list[str] = []
        self.calls: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.seen_jtis: set[str] = set()
        self.refreshes = 0
        self.asked: list[dict[str, str]] = []

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def serve(self, door: BaseHTTPRequestHandler, body: str) -> None:
        path = urlsplit(door.path).path
        form = dict(parse_qsl(body))
        query = dict(parse_qsl(urlsplit(door.path).query))
        try:
            if path == "/authorize":
                self.send(door, 303, b"", {"Location": self.authorize(query)})
                return
            status, answer = self.answer(door, path, form, query)
        except Refusal as refusal:
            self.send(door, refusal.status, json.dumps(refusal.body).encode(), refusal.headers)
            return
        raw = (
            self.raw_answer if path.startswith("/v1/") and self.raw_answer is not None else json.dumps(answer).encode()
        )
        self.send(door, status, raw, self.receipt_headers(raw) if path.startswith("/v1/") else {})

    def answer(
        self, door: BaseHTTPRequestHandler, path: str, form: dict[str, str], query: dict[str, str]
    ) -> tuple[int, object]:
        if path == "/.well-known/oauth-authorization-server":
            return 200, self.metadata()
        if path == "/par":
            self.authenticate(form)
            return 201, self.push(door, form)
        if path == "/token":
            self.authenticate(form)
            return 200, self.token(door, form)
        if path == "/revoke":
            self.authenticate(form)
            self.revoked.append(form["token"])
            return 200, {}
        return 200, self.api(door, path, query)

    def receipt_headers(self, raw: bytes) -> dict[str, str]:
        """What the knob `receipt` says about the answer: nothing, the truth (good), or one of many lies."""
        if self.receipt is None:
            return {}
        about = raw if self.receipt != "other bytes" else b"other bytes"
        disclosure = ["c2FsdA", "responseDigest", hashlib.sha256(about).hexdigest()]
        written = json.dumps(disclosure, separators=(",", ":")).encode()
        committed = base64url(hashlib.sha256(written if self.receipt != "uncommitted" else b"").digest())
        leaf = {"log": "broker.example/audit/harbor/2026", "number": len(self.calls), "_sd": [committed]}
        extra = base64.b64encode(json.dumps(leaf).encode()).decode()
        receipt = f"c2sp.org/tlog-proof@v1\nextra {extra}\nindex 0\n\nthe checkpoint\n"
        told = {"x-broker-receipt": base64url(receipt.encode())}
        if self.receipt != "undisclosed":
            told["x-broker-disclosures"] = base64url(json.dumps([disclosure]).encode())
        return told if self.receipt != "garbage" else told | {"x-broker-receipt": "AAAA"}

    @staticmethod
    def send(door: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str]) -> None:
        door.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            door.send_header(name, value)
        door.end_headers()
        door.wfile.write(body)

    def metadata(self) -> dict[str, object]:
        return {
            "issuer": self.issuer,
            "pushed_authorization_request_endpoint": f"{self.issuer}/par",
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "revocation_endpoint": f"{self.issuer}/revoke",
            "authorization_response_iss_parameter_supported": True,
        } | self.other_metadata

    def once(self, jti: str) -> None:
        if jti in self.seen_jtis:
            raise Refusal(400, {"error": "replayed"})
        self.seen_jtis.add(jti)

    def authenticate(self, form: dict[str, str]) -> None:
        try:
            token = jwt.decode(form["client_assertion"], self.key, algorithms=["ES256"])
        except (JoseError, KeyError, ValueError) as error:
            raise Refusal(401, {"error": "invalid_client"}) from error
        claims = token.claims
        right = claims["iss"] == claims["sub"] == form["client_id"] == CLIENT_ID and claims["aud"] == self.issuer
        if not right or token.header["kid"] != "m1" or claims["exp"] - claims["iat"] > 300:
            raise Refusal(401, {"error": "invalid_client"})
        self.once(claims["jti"])

    def proof(self, door: BaseHTTPRequestHandler, access_token: str | None) -> str:
        """Check a DPoP proof (RFC 9449 §4.3) and return the thumbprint of its key."""
        value = door.headers["DPoP"] or ""
        try:
            header = jws.extract_compact(value.encode()).headers()
            key = ECKey.import_key(header["jwk"])
            claims = jwt.decode(value, key, algorithms=["ES256"]).claims
        except (JoseError, KeyError, ValueError) as error:
            raise Refusal(400, {"error": "invalid_dpop_proof"}) from error
        here = f"{self.issuer}{urlsplit(door.path).path}"
        right = header["typ"] == "dpop+jwt" and claims["htm"] == door.command and claims["htu"] == here
        if access_token is not None:
            digest = hashlib.sha256(access_token.encode()).digest()
            right = right and claims["ath"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if not right or key.is_private:
            raise Refusal(400, {"error": "invalid_dpop_proof"})
        self.ask_for_nonce("tokens" if access_token is None else "api", claims.get("nonce"))
        self.once(claims["jti"])
        return str(key.thumbprint())

    def ask_for_nonce(self, server: str, given: str | None) -> None:
        """Challenge a proof without the nonce of this server (RFC 9449 §8, §9), where the knob names one."""
        wanted = self.nonces.get(server, given)
        if wanted is None or given == wanted:
            return
        self.challenges.append(server)
        headers = {"DPoP-Nonce": wanted}
        if server == "tokens":
            raise Refusal(400, {"error": "use_dpop_nonce"}, headers)
        headers["WWW-Authenticate"] = 'DPoP error="use_dpop_nonce"'
        raise Refusal(401, {"code": "dpop-nonce-needed"}, headers)

    def push(self, door: BaseHTTPRequestHandler, form: dict[str, str]) -> dict[str, object]:
        if self.push_error:
            raise Refusal(400, {"error": self.push_error})
        if form["code_challenge_method"] != "S256" or form["response_type"] != "code":
            raise Refusal(400, {"error": "invalid_request"})
        if self.proof(door, None) != form["dpop_jkt"]:
            raise Refusal(400, {"error": "invalid_dpop_proof"})
        request_uri = f"urn:ietf:params:oauth:request_uri:{secrets.token_urlsafe(16)}"
        self.pushed[request_uri] = form
        self.asked.append(form)
        return {"request_uri": request_uri, "expires_in": 60}

    def authorize(self, query: dict[str, str]) -> str:
        assert set(query) == {"client_id", "request_uri"}
        form = self.pushed.pop(query["request_uri"])
        answer = {"state": form["state"], "iss": "http://localhost:1" if self.wrong_issuer else self.issuer}
        if self.decision != "approve":
            return f"{form['redirect_uri']}?{urlencode(answer | {'error': self.decision})}"
        code = secrets.token_urlsafe(16)
        self.codes[code] = form
        return f"{form['redirect_uri']}?{urlencode(answer | {'code': code})}"

    def token(self, door: BaseHTTPRequestHandler, form: dict[str, str]) -> dict[str, object]:
        thumbprint = self.proof(door, None)
        if form["grant_type"] == "authorization_code":
            asked = self.codes.pop(form["code"], None)
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            if asked is None or asked["code_challenge"] != challenge or asked["dpop_jkt"] != thumbprint:
                raise Refusal(400, {"error": "invalid_grant"})
            bank = json.loads(asked["authorization_details"])[0].get("bank", "harbor")
        else:
            self.refreshes += 1
            if not self.grant_lives or form["refresh_token"] not in self.refresh:
                raise Refusal(400, {"error": "invalid_grant"})
            bank = form["refresh_token"].split(".")[1]
        access, refresh = f"at.{secrets.token_urlsafe(16)}", f"rt.{bank}.{secrets.token_urlsafe(16)}"
        self.access[access] = thumbprint
        self.refresh.add(refresh)
        details = {
            "type": "bank_data", "purpose": "chat_banking", "bank": bank, "duration_days": 90, "lookback_days": 90,
            "categories": [{"name": name} for name in self.granted], "accounts": ["acc~1", "acc~2"],
        }  # fmt: skip
        answer = {"access_token": access, "token_type": "DPoP", "expires_in": self.lifetime}
        answer |= {"authorization_details": [details]}
        return answer | ({"refresh_token": refresh} if form["grant_type"] == "authorization_code" else {})

    def api(self, door: BaseHTTPRequestHandler, path: str, query: dict[str, str]) -> dict[str, object]:
        scheme, _, access = (door.headers["Authorization"] or "").partition(" ")
        challenge = {"WWW-Authenticate": 'DPoP error="invalid_token"', "Content-Type": "application/problem+json"}
        if scheme != "DPoP" or access not in self.access:
            raise Refusal(401, {"code": "token-expired", "detail": "expired"}, challenge)
        if self.proof(door, access) != self.access[access]:
            raise Refusal(401, {"code": "invalid-dpop-proof"}, challenge)
        self.calls.append((path, query, dict(door.headers.items())))
        member, category = {
            "accounts": ("accounts", "accounts"),
            "balances": ("balances", "balances"),
            "card-locations": ("cardLocations", "card_locations"),
            "transactions": ("transactions", "transactions"),
        }[path.rsplit("/", 1)[-1]]
        if category in self.refusals:
            status, code = self.refusals[category]
            raise Refusal(
                status,
                {"code": code, "rule": self.rule, "detail": "told"},
                challenge if status == 401 else {"Retry-After": "120"},
            )
        entries = self.data[member]
        if category == "transactions":
            entries = [entry for entry in entries if f"/{entry['accountId']}/" in path]
        start = int(query.get("cursor", "0"))
        size = int(query.get("page-size", "100"))
        links = {"self": door.path}
        if start + size < len(entries):
            links["next"] = self.next_link or f"{self.issuer}{path}?page-size={size}&cursor={start + size}"
        meta = {"totalRecords": len(entries)} | ({"missingAccounts": self.missing} if self.missing else {})
        return {"data": {member: entries[start : start + size]}, "links": links, "meta": meta}


@pytest.fixture
def fake_broker():
    fake = FakeBroker()
    yield fake
    fake.close()


def test_this_broker_refuses_a_call_without_a_proof(fake_broker: FakeBroker) -> None:
    fake_broker.access["at.x"] = "thumbprint"
    headers = {"Authorization": "DPoP at.x"}
    assert requests.get(f"{fake_broker.issuer}/v1/accounts", headers=headers, timeout=5).status_code == 400


def test_this_broker_refuses_an_assertion_for_another_audience(fake_broker: FakeBroker) -> None:
    claims = {"iss": CLIENT_ID, "sub": CLIENT_ID, "aud": f"{fake_broker.issuer}/token", "iat": 1, "exp": 99999999999}
    assertion = jwt.encode({"alg": "ES256", "kid": "m1"}, claims, fake_broker.key, algorithms=["ES256"])
    form = {"client_id": CLIENT_ID, "client_assertion": assertion}
    answer = requests.post(f"{fake_broker.issuer}/token", data=form, timeout=5)
    assert answer.status_code == 401
    assert parse_qs(answer.text) == {}
