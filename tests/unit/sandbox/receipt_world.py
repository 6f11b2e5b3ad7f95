"""A bank that asks for receipts, in this process, and the log of a broker that can be told to announce anything."""

import base64
import json
import secrets
import threading
import uuid
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event

import bank_world
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from waitress import create_server, wasyncore

from broker.sandbox.bank.app import create_app, open_bank
from broker.sandbox.bank.config import load_config
from broker.sandbox.bank.oidc.vault import TokenFacts, keep_token
from broker.tlog.checkpoint import Checkpoint, sign_checkpoint
from broker.tlog.compact_range import EMPTY, grow
from broker.tlog.disclosure import Disclosure, digest, encode
from broker.tlog.merkle import leaf_hash
from broker.tlog.note import Signer
from broker.tlog.receipt import make_receipt

PEOPLE = {"fdx": "maya", "obie": "tomas"}
YEAR = datetime.now(UTC).year
ORIGINS = {"fdx": f"broker.example/audit/harbor/{YEAR}", "obie": f"broker.example/audit/meridian/{YEAR}"}
FAR = datetime(2150, 1, 1, tzinfo=UTC)


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Log:
    """A log as the broker keeps it; `signers` sign its checkpoints."""

    def __init__(self, origin, signers: Sequence[Signer]):
        self.origin = origin
        self.signers = signers
        self.range = EMPTY

    def receipt(self, leaf):
        index = self.range.size
        growth = grow(self.range, [leaf_hash(leaf)])
        self.range = growth.after
        note = sign_checkpoint(Checkpoint(self.origin, self.range.size, self.range.root), self.signers)
        return make_receipt(leaf, index, growth.inclusion_proof(index), note)


@dataclass
class Teller:
    """An open bank with one customer who has signed in, and the broker's log about the bank."""

    bank: object
    standard: str
    key: Ed25519PrivateKey
    log: Log
    customer: str
    accounts: list[str] = field(default_factory=list)
    app: object = None

    def __post_init__(self):
        self.app = create_app(self.bank)

    @property
    def http(self):
        return self.app.test_client()

    def leaf(self, disclosures, **changes):
        """The entry that announces a read of transactions; `changes` replace its members, None takes one out."""
        fields = {
            "v": 2,
            "log": self.log.origin,
            "number": self.log.range.size,
            "time": int(datetime.now(UTC).timestamp() * 1_000_000),
            "event": "access.requested",
            "category": "transactions",
            "interactionId": str(uuid.uuid4()),
            "_sd": sorted(digest(one) for one in disclosures),
        } | changes
        return {name: value for name, value in fields.items() if value is not None}

    def details(self, **changes):
        """What the entry commits to: this customer, the first account, thirty days."""
        now = datetime.now(UTC).replace(microsecond=0)
        values = {
            "customer": self.customer,
            "accounts": self.accounts[:1],
            "endpoint": "GET /v1/accounts/<account_id>/transactions",
            "window": f"{written(now - timedelta(days=30))}/{written(now)}",
        } | changes
        return disclosed({name: value for name, value in values.items() if value is not None})

    def headers(self, leaf, disclosures, receipt=None):
        """What a request carries that was announced by this entry."""
        data = json.dumps(leaf, sort_keys=True, separators=(",", ":")).encode()
        return {
            "x-fapi-interaction-id": str(leaf.get("interactionId", uuid.uuid4())),
            "x-broker-receipt": base64url(self.log.receipt(data) if receipt is None else receipt),
            "x-broker-disclosures": encode(disclosures),
        }

    def announced(self, *, details=None, **changes):
        """Announce honestly but for the changes, and return the headers of the request."""
        disclosures = self.details(**(details or {}))
        return self.headers(self.leaf(disclosures, **changes), disclosures)

    def asks(self, path, headers):
        url = bank_world.DATA[self.standard] + path
        return self.http.get(url, headers={"Authorization": "Bearer the-token"} | headers)

    def transactions(self, window=None, account=None):
        """The address of transactions over a window (two instants), the last week's when there is none."""
        now = datetime.now(UTC)
        first, last = window or (now - timedelta(days=7), now - timedelta(days=4))
        names = ("startTime", "endTime") if self.standard == "fdx" else ("fromBookingDateTime", "toBookingDateTime")
        query = f"{names[0]}={written(first)}&{names[1]}={written(last)}"
        return f"/accounts/{account or self.accounts[0]}/transactions?{query}"


def written(instant):
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def disclosed(values):
    return tuple(Disclosure(base64url(secrets.token_bytes(16)), name, value) for name, value in values.items())


def refusal(answer):
    """Return what the bank says is wrong, if header and body agree."""
    if answer.status_code == 200:
        return None
    assert answer.status_code == 403, answer.text
    code = answer.headers["x-broker-receipt-error"]
    body = answer.get_json()
    assert code == (body["code"] if "code" in body else body["Errors"][0]["ErrorCode"])
    return code


@contextmanager
def teller(folder, standard, key=None, origin=None, **rules):
    key, username = key or Ed25519PrivateKey.generate(), PEOPLE[standard]
    origin = origin or ORIGINS[standard]
    signer = Signer(origin, key)
    changes = {"customers": [{"username": username, "password": f"pass of {username}"}]}
    prepared = bank_world.prepare(
        folder, standard, receipts={"log_keys": [signer.vkey], "clock_file": None} | rules, **changes
    )
    bank = open_bank(load_config(prepared.config_file), Event())
    customer = next(iter(bank.customers._personas))
    with bank.sessions.begin() as session:
        facts = TokenFacts("broker", customer, bank_world.SCOPES[standard], "family")
        keep_token(session, "the-token", facts, "access", int(FAR.timestamp()))
    bank.customers.keep_books(customer, datetime.now(UTC).date())
    opened = Teller(bank, standard, key, Log(origin, [signer]), customer)
    headers = opened.announced(event="accounts.listed", category="accounts")
    listed = opened.asks("/accounts", headers).get_json()
    accounts = listed["accounts"] if standard == "fdx" else listed["Data"]["Account"]
    opened.accounts = [each["accountId" if standard == "fdx" else "AccountId"] for each in accounts]
    yield opened
    bank.sessions.kw["bind"].dispose()


@contextmanager
def serving(opened):
    """Serve the bank at its address, as its own process would."""
    connections = {}
    server = create_server(opened.app, map=connections, host="127.0.0.1", port=opened.bank.config.port, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield opened.bank.config.base_url
    finally:
        server.trigger.pull_trigger(lambda: wasyncore.close_all(connections))
        server.task_dispatcher.shutdown()
        thread.join(5)
