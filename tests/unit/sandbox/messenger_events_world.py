"""The small broker of Messenger's stories, as one that tells of events too: it signs them with keys of its own."""

import json
import secrets
from http.server import BaseHTTPRequestHandler
from typing import Any

import requests
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey
from test_messenger_chat import Browser, Messenger
from test_messenger_world import FakeBroker, Refusal

from broker.sandbox.messenger import clock
from tests.support.waiting import until

GRANT_CHANGED, FRAUD_ALERT, DELETION_REQUESTED = (
    f"urn:consent-broker:event:{name}" for name in ("grant-changed", "fraud-alert", "deletion-requested")
)
HEADER = {"alg": "ES256", "kid": "s1", "typ": "secevent+jwt"}
INDIVIDUAL, BANK = "INDIVIDUAL", "DATA_PROVIDER"


class TellingBroker(FakeBroker):
    """It gives out a stream, machine tokens, a view of the grant, alerts, answers and a list of deletions."""

    def __init__(self) -> None:
        self.streams: list[dict[str, Any]] = []
        self.is_up = True
        self.signing = ECKey.generate_key("P-256", {"alg": "ES256", "kid": "s1", "use": "sig"}, private=True)
        self.published = [self.signing.as_dict(private=False)]
        super().__init__()

    def reset(self) -> None:
        super().reset()
        self.granted = [*self.granted, "balance_answers", "location_answers", "fraud_alerts"]
        self.grant_id, self.sequence = f"grant-{secrets.token_hex(6)}", 0
        self.grant_status = "ACTIVE"
        self.alert: dict[str, Any] = {}
        self.answer_given = "yes"
        self.has_deletions = True
        self.open_deletions: list[dict[str, Any]] = []
        self.deletions_a_page = 200
        self.deleted: list[tuple[str, str]] = []
        self.failing: dict[str, int] = {}
        self.reads_of_keys = 0
        self.reads_of_grant = 0
        self.questions: list[dict[str, Any]] = []

    def serve(self, door: BaseHTTPRequestHandler, body: str) -> None:
        door.raw = body  # type: ignore[attr-defined]  # the stand-in's own note
        super().serve(door, body)

    def metadata(self) -> dict[str, object]:
        return super().metadata() | {"grant_management_endpoint": f"{self.issuer}/oauth/grants"}

    def answer(
        self, door: BaseHTTPRequestHandler, path: str, form: dict[str, str], query: dict[str, str]
    ) -> tuple[int, object]:
        if not self.is_up or self.failing.get(path, 0) > 0:
            self.failing[path] = self.failing.get(path, 0) - 1
            raise Refusal(503, {"code": "storage-unavailable"})
        routes = {
            "/.well-known/ssf-configuration": lambda: (200, self.transmitter()),
            "/jwks": lambda: (200, self.keys()),
            "/ssf/streams": lambda: self.stream(door),
            "/oauth/grants/": lambda: (200, self.grant_view(door)),
            "/v1/deletions": lambda: self.deletions(door, path, query),
            "/v1/answers/": lambda: (200, self.one(door, path)),
            "/v1/fraud-alerts/": lambda: (200, self.one(door, path)),
        }
        found = next((route for begin, route in routes.items() if path.startswith(begin)), None)
        return found() if found else super().answer(door, path, form, query)

    def transmitter(self) -> dict[str, Any]:
        streams = f"{self.issuer}/ssf/streams"
        return {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/jwks", "configuration_endpoint": streams}

    def keys(self) -> dict[str, Any]:
        self.reads_of_keys += 1
        return {"keys": self.published}

    def token(self, door: BaseHTTPRequestHandler, form: dict[str, str]) -> dict[str, object]:
        if form["grant_type"] != "client_credentials":
            return super().token(door, form) | {"grant_id": self.grant_id}
        access = f"mt.{form['scope']}.{secrets.token_urlsafe(12)}"
        self.access[access] = self.proof(door, None)
        return {"access_token": access, "token_type": "DPoP", "expires_in": 300, "scope": form["scope"]}

    def machine(self, door: BaseHTTPRequestHandler, scope: str) -> None:
        _, _, access = (door.headers["Authorization"] or "").partition(" ")
        if not access.startswith(f"mt.{scope}.") or self.access.get(access) != self.proof(door, access):
            raise Refusal(401, {"code": "token-unknown"})

    def stream(self, door: BaseHTTPRequestHandler) -> tuple[int, object]:
        self.machine(door, "ssf.manage")
        if door.command == "GET":
            return 200, self.streams
        asked = json.loads(door.raw)  # type: ignore[attr-defined]  # see serve
        self.streams = [{"stream_id": "stream-1"} | asked]
        return 201 if door.command == "POST" else 200, self.streams[0]

    def grant_view(self, door: BaseHTTPRequestHandler) -> dict[str, Any]:
        self.machine(door, "grant_management_query")
        self.reads_of_grant += 1
        details = {
            "type": "bank_data", "purpose": "chat_banking", "bank": "harbor", "duration_days": 90,
            "categories": [{"name": name} for name in self.granted], "accounts": ["acc~1"],
        }  # fmt: skip
        lives = self.grant_status in {"ACTIVE", "PAUSED", "SUSPENDED"}
        return {
            "grant_id": self.grant_id,
            "status": self.grant_status,
            "authorization_details": [details] if lives else [],
            "expires_at": "2031-01-01T00:00:00Z",
        }

    def deletions(self, door: BaseHTTPRequestHandler, path: str, query: dict[str, str]) -> tuple[int, object]:
        self.machine(door, "deletions")
        if not self.has_deletions:
            raise Refusal(404, {"code": "not-found"})
        if door.command == "GET":
            behind = [one for one in self.open_deletions if one["deletionId"] > query.get("after", "")]
            links = {"next": "..."} if len(behind) >= self.deletions_a_page else {}
            return 200, {"data": {"deletions": behind[: self.deletions_a_page]}, "links": links}
        _, _, _, deletion, act = path.split("/")
        self.deleted.append((deletion, act))
        self.open_deletions = [
            one for one in self.open_deletions if (one["deletionId"], act) != (deletion, "completion")
        ]
        return 200, {"data": {"deletionId": deletion}}

    def one(self, door: BaseHTTPRequestHandler, path: str) -> dict[str, Any]:
        _, _, access = (door.headers["Authorization"] or "").partition(" ")
        if not access.startswith("at.") or self.access.get(access) != self.proof(door, access):
            raise Refusal(401, {"code": "token-unknown"})
        self.calls.append((path, {}, dict(door.headers.items())))
        category = {"balance": "balance_answers", "location": "location_answers"}.get(
            path.split("/")[3], "fraud_alerts"
        )
        if category in self.refusals:
            status, code = self.refusals[category]
            raise Refusal(status, {"code": code})
        if category == "fraud_alerts":
            return {"data": {"alertId": path.rpartition("/")[2]} | self.alert}
        self.questions.append(json.loads(door.raw))  # type: ignore[attr-defined]  # see serve
        return {"data": {"answer": self.answer_given, "asOf": "2026-11-22T12:00:00Z"}}

    @property
    def authorization(self) -> str:
        return str(self.streams[0]["delivery"]["authorization_header"])

    def claims(self, kind: str, **told: Any) -> dict[str, Any]:
        """The claims of the next event of the grant; a `sequence` that is given does not count."""
        if "sequence" not in told:
            self.sequence += 1
            told["sequence"] = self.sequence
        return {
            "iss": self.issuer,
            "aud": "messenger",
            "iat": int(clock.now().timestamp()),
            "jti": secrets.token_hex(12),
            "sub_id": {"format": "opaque", "id": self.grant_id},
            "events": {kind: {"grant_id": self.grant_id, "occurred_at": "2026-11-22T12:00:00Z"} | told},
        }

    def signed(
        self, claims: dict[str, Any], header: dict[str, Any] | None = None, key: ECKey | OctKey | None = None
    ) -> str:
        return jwt.encode(header or HEADER, claims, key or self.signing, algorithms=["ES256", "HS256"])

    def pushes(self, messenger: Messenger, token: str | bytes, **headers: str) -> requests.Response:
        usual = {"Content-Type": "application/secevent+jwt", "Authorization": self.authorization}
        return requests.post(f"{messenger.url}/events", data=token, headers=usual | headers, timeout=10)

    def tells(self, messenger: Messenger, change: str, initiator: str = INDIVIDUAL, **more: Any) -> str:
        """Push one change of the grant, which must be taken; return the token."""
        told = {"change": change, "initiator": initiator, "grant_version": 1, "reason": "user-action"}
        token = self.signed(self.claims(GRANT_CHANGED, **told, **more))
        answer = self.pushes(messenger, token)
        assert (answer.status_code, answer.content) == (202, b"")
        return token


def sees(browser: Browser, words: str) -> str:
    """Reload the chat until it says this; return all that stands there."""

    def is_there() -> bool:
        browser.page = browser.session.get(browser.at, timeout=10)
        return words in browser.text

    until(is_there, 10)
    return browser.text
