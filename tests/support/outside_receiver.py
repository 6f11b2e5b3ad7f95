"""A receiver of events as anybody would write one: it knows the published addresses of its transmitter, nothing else.

Run as a program it fetches the key set by the transmitter's own metadata and checks every token (RFC 8417, RFC 8935);
`POST /behave` tells it how to answer from then on, `GET /seen` shows what has come.
"""

import argparse
import base64
import json
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet


class Receiver(ThreadingHTTPServer):
    """Keeps what has come, in the order in which it came. Without an issuer nothing is checked."""

    daemon_threads = True

    def __init__(self, port: int, issuer: str = "", audience: str = "", authorization: str = "") -> None:
        super().__init__(("127.0.0.1", port), _Answers)
        self.issuer, self.audience, self.authorization = issuer, audience, authorization
        self.seen: list[dict[str, Any]] = []
        self.behaviour: dict[str, Any] = {"how": "take"}
        self.mutex = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://localhost:{self.server_address[1]}/events"

    def problems_of(self, token: str) -> list[str]:
        """Say what is wrong with a token; nothing is right about one that cannot be verified."""
        if not self.issuer:
            return []
        with urllib.request.urlopen(f"{self.issuer}/.well-known/ssf-configuration", timeout=10) as answer:
            metadata = json.load(answer)
        with urllib.request.urlopen(metadata["jwks_uri"], timeout=10) as answer:
            keys = KeySet.import_key_set(json.load(answer))
        try:
            found = jwt.decode(token, keys, algorithms=["ES256", "PS256", "EdDSA"])
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, it is not a token of the transmitter
            return [f"signature: {error}"]
        claims = found.claims
        wrong = {
            "typ": found.header.get("typ") != "secevent+jwt",
            "iss": claims.get("iss") != metadata["issuer"],
            "aud": claims.get("aud") != self.audience,
            "sub or exp": bool({"sub", "exp"} & set(claims)),
            "iat": not isinstance(claims.get("iat"), int),
            "jti": not claims.get("jti"),
            "sub_id": claims.get("sub_id", {}).get("format") != "opaque",
            "events": len(claims.get("events", {})) != 1,
        }
        return [name for name, is_wrong in wrong.items() if is_wrong]


class _Answers(BaseHTTPRequestHandler):
    server: Receiver

    def do_GET(self) -> None:
        with self.server.mutex:
            self._answer(200, json.dumps(self.server.seen).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.path == "/behave":
            self.server.behaviour = json.loads(body)
            self._answer(200, b"{}")
            return
        how = self.server.behaviour
        token = body.decode("ascii", "replace")
        if how.get("but") == _claims(token).get("sub_id", {}).get("id", ""):
            how = {**how, "how": "status"}
        problems = self.server.problems_of(token)
        if self.headers.get("Content-Type") != "application/secevent+jwt":
            problems.append("content type")
        if self.server.authorization and self.headers.get("Authorization") != self.server.authorization:
            problems.append("authorization")
        with self.server.mutex:
            told = {"path": self.path, "at": time.monotonic(), "problems": problems, "how": how["how"]}
            self.server.seen.append(told | {"claims": _claims(token), "token": token})
        if how["how"] == "slow":
            time.sleep(how["seconds"])
        if how["how"] == "redirect":
            self.send_response(302)
            self.send_header("Location", how["to"])
            self.end_headers()
        elif how["how"] == "status":
            self._answer(how["status"], b"thank you, taken")
        elif problems or how["how"] == "refuse":
            told = {"err": how.get("err", "invalid_request"), "description": how.get("description", str(problems))}
            self._answer(400, json.dumps(told).encode())
        else:
            self._answer(202, b"")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing: the test asks for what was seen."""


def _claims(token: str) -> dict[str, Any]:
    """Read the claims without believing them."""
    try:
        part = token.split(".")[1]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--issuer", required=True)
    parser.add_argument("--audience", required=True)
    parser.add_argument("--authorization", default="")
    told = parser.parse_args()
    server = Receiver(told.port, told.issuer, told.audience, told.authorization)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
