"""A running bank in its own process, and a plain client that signs in and reads data, for the tests of the bank."""

import hashlib
import json
import secrets
import signal
import socket
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import requests
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

FDX_SCOPES = "fdx:customerpersonal:read fdx:accountdetailed:read fdx:transactions:read"
SCOPES = {"fdx": f"openid profile offline_access {FDX_SCOPES}", "obie": "openid profile offline_access accounts"}
PEOPLE = {"fdx": ("maya", "daniel", "elena"), "obie": ("priya", "tomas", "margaret")}
DATA = {"fdx": "/fdx/v6", "obie": "/open-banking/v4.0/aisp"}
TODAY = date(2026, 11, 20)
NOON = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp())
CALLBACK = "http://localhost:4199/cb?from=bank"
# waitress leaves the closing of some sockets to the end of the process.
WARNINGS = ("-W", "error", "-W", "ignore::ResourceWarning")
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class Bank:
    """A bank that runs on a free port, with the key of its one client."""

    url: str
    standard: str
    config_file: Path
    client_key: ECKey
    process: subprocess.Popen[str] | None = None

    def start(self):
        command = [sys.executable, *WARNINGS, "-m", "broker.sandbox.bank", "--config", str(self.config_file)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                requests.get(f"{self.url}/healthz", timeout=5).raise_for_status()
            except requests.ConnectionError:
                assert self.process.poll() is None, self.process.stderr.read()
                time.sleep(0.05)
            else:
                return
        self.stop()  # on a machine with too much to do it would come up later, and stay
        raise AssertionError("the bank did not start")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=20)
        return self.process.returncode, errors

    def plays(self, fault):
        return requests.post(f"{self.url}/sandbox/faults", data={"fault": fault}, timeout=5)

    def served(self):
        return requests.get(f"{self.url}/sandbox/served", timeout=5).json()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def prepare(folder, standard, /, **changes):
    """Write the configuration of a bank and return the bank, not yet started."""
    port, key = free_port(), ECKey.generate_key("P-256", {"kid": "client-1", "alg": "ES256"})
    bank_id = "harbor" if standard == "fdx" else "meridian"
    config = {
        "id": bank_id,
        "name": f"{bank_id.title()} Bank",
        "standard": standard,
        "base_url": f"http://localhost:{port}",
        "port": port,
        "database": str(folder / "bank.db"),
        "signing_key_file": str(folder / "signing.json"),
        "customers": [{"username": name, "password": f"pass of {name}"} for name in PEOPLE[standard]],
        "staff": [{"username": "ada", "password": "pass of ada", "role": "auditor", "name": "Ada Auditor"}],
        "clients": [
            {
                "client_id": "broker",
                "client_name": "Consent Broker",
                "jwks": {"keys": [key.as_dict(private=False)]},
                "redirect_uris": [CALLBACK],
                "scopes": SCOPES[standard].split(),
            }
        ],
        "slow_seconds": 0.3,
    }
    file = folder / "bank.json"
    file.write_text(json.dumps(config | changes), encoding="utf-8")
    return Bank(config["base_url"], standard, file, key)


@contextmanager
def running(folder, standard) -> Iterator[Bank]:
    bank = prepare(folder, standard)
    bank.start()
    try:
        yield bank
    finally:
        if bank.process.poll() is None:
            code, errors = bank.stop()
            assert (code, errors) == (0, "")


@dataclass
class Client:
    """A relying party of one bank: code flow, private_key_jwt, data calls."""

    bank: Bank
    browser: requests.Session = field(default_factory=requests.Session)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    tokens: dict = field(default_factory=dict)

    def question(self, **changes):
        challenge = urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": "broker",
            "redirect_uri": CALLBACK,
            "scope": SCOPES[self.bank.standard],
            "state": "some state",
            "nonce": self.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in (asked | changes).items() if value is not None}

    def opens_sign_in(self, **changes):
        asked = self.question(**changes)
        return self.browser.get(f"{self.bank.url}/authorize", params=asked, allow_redirects=False, timeout=10)

    def submits(self, page, **fields):
        token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
        data = {"csrf_token": token} | fields
        return self.browser.post(page.url, data=data, allow_redirects=False, timeout=10)

    def code_for(self, username, **changes):
        answer = self.submits(self.opens_sign_in(**changes), username=username, password=f"pass of {username}")
        assert answer.status_code == 303, answer.text
        return returned(answer)["code"]

    def assertion(self, **changes):
        now = int(time.time())
        claims = {"iss": "broker", "sub": "broker", "aud": self.bank.url, "exp": now + 60, "jti": uuid4().hex} | changes
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": "client-1"}, claims, self.bank.client_key)

    def posts(self, path, assertion=None, **fields):
        proof = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion or self.assertion()}
        return requests.post(f"{self.bank.url}{path}", data=proof | fields, timeout=10)

    def redeems(self, code, **changes):
        fields = {"redirect_uri": CALLBACK, "code_verifier": self.verifier} | changes
        return self.posts("/token", grant_type="authorization_code", code=code, **fields)

    def signs_in(self, username, **changes):
        answer = self.redeems(self.code_for(username, **changes))
        assert answer.status_code == 200, answer.text
        self.tokens = answer.json()
        return self

    def claims(self):
        keys = KeySet.import_key_set(requests.get(f"{self.bank.url}/jwks", timeout=5).json())
        return jwt.decode(self.tokens["id_token"], keys, algorithms=["ES256"]).claims

    def reads(self, path, category="accounts", token=None, interaction=None, **query):
        headers = {
            "Authorization": f"Bearer {token or self.tokens['access_token']}",
            "x-fapi-interaction-id": interaction or str(uuid4()),
            "x-broker-category": category,
        }
        url = path if path.startswith("http") else self.bank.url + DATA[self.bank.standard] + path
        return requests.get(url, headers=headers, params=query, timeout=10)


def returned(answer):
    """Return the parameters with which a browser is sent back."""
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}
