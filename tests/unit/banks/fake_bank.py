"""A bank on loopback that answers each path with whatever a test lays out, and remembers what it was asked."""

import contextlib
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from broker.banks.connector import Announced, BankAccess, Connector, Credential, Window
from broker.banks.connectors import BankEndpoint, build
from broker.clock import Clock
from broker.outbound import OutboundClient

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(days=30), NOW)
SUBJECT = "hb-1"
ANNOUNCED = Announced("a-receipt", "its-disclosures")
TLS = ssl.create_default_context()  # loading the certificates takes long, and they are not needed here
PORTS = range(8480, 8490)


class FakeBank:
    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.origin = f"http://localhost:{server.server_address[1]}"
        self.answers: dict[str, Any] = {}
        self.status: dict[str, int] = {}
        self.told: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.forms: list[dict[str, str]] = []
        self.live_tokens = {"access-1"}
        self.token_answer: tuple[int, dict[str, Any]] = (
            200,
            {"access_token": "access-2", "token_type": "Bearer", "expires_in": 600},
        )
        self.metadata = {
            "issuer": self.origin,
            "token_endpoint": f"{self.origin}/token",
            "revocation_endpoint": f"{self.origin}/revoke",
        }

    @property
    def data_paths(self) -> list[str]:
        return [path for path in self.asked if path.startswith("/api/")]

    def reply(self, path: str, form: dict[str, str], headers: dict[str, str]) -> tuple[int, Any]:
        self.asked.append(path)
        self.headers.append(headers)
        bare = path.partition("?")[0]
        if bare == "/.well-known/openid-configuration":
            return 200, self.metadata
        if bare in {"/token", "/revoke"}:
            self.forms.append(form)
            if bare == "/token" and self.token_answer[0] == 200:
                self.live_tokens.add("access-2")
            return self.token_answer if bare == "/token" else (200, {})
        if headers.get("authorization", "").removeprefix("Bearer ") not in self.live_tokens:
            return 401, {"code": "602", "message": "no"}
        answer = self.answers.get(path, self.answers.get(bare))
        return (404, {}) if answer is None else (self.status.get(bare, 200), answer)

    def connector(
        self,
        standard: str,
        clock: Clock = lambda: NOW,
        *,
        timeout_s: float = 2.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> Connector:
        endpoint = BankEndpoint("harbor", self.origin, f"{self.origin}/api", "broker")
        http = OutboundClient(
            frozenset({self.origin.removeprefix("http://")}),
            timeout_s,
            monotonic=monotonic,
            jitter=lambda: 0.0,
            tls=TLS,
        )
        return build(standard, endpoint, http, lambda audience: f"assertion-for-{audience}", clock)


class Renewals(list[Credential]):
    """Collects the credentials that were renewed."""


def access(
    renewals: Renewals | None = None, *, category: str = "accounts", expires_in_s: int = 300, refresh: str | None = "r"
) -> BankAccess:
    credential = Credential("access-1", refresh, NOW + timedelta(seconds=expires_in_s))
    kept = Renewals() if renewals is None else renewals

    def renew(exchange: Callable[[Credential], Credential]) -> Credential:
        kept.append(exchange(credential))
        return kept[-1]

    return BankAccess(SUBJECT, credential, "11111111-2222-4333-8444-555555555555", category, renew, ANNOUNCED)


@contextlib.contextmanager
def running_bank() -> Iterator[FakeBank]:
    server = _listening()
    bank = FakeBank(server)
    server.bank = bank  # type: ignore[attr-defined] # the request class reads it from there
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield bank
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _listening() -> ThreadingHTTPServer:
    for port in PORTS:
        with contextlib.suppress(OSError):
            return ThreadingHTTPServer(("127.0.0.1", port), _Requests)
    raise RuntimeError("no free port in the tests' range")


class _Requests(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self._answer({name: found[0] for name, found in parse_qs(body).items()})

    def _answer(self, form: dict[str, str]) -> None:
        path = self.path if urlsplit(self.path).query else self.path.partition("?")[0]
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, answer = self.server.bank.reply(path, form, headers)  # type: ignore[attr-defined] # set by running_bank
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in self.server.bank.told.get(self.path, {}).items():  # type: ignore[attr-defined] # as above
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_parts: object) -> None:
        pass
