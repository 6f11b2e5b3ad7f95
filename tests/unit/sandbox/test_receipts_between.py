"""The broker's own release and connectors before a bank that gives no data without a receipt, over HTTP."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from receipt_world import FAR, Teller, serving, teller

from broker.audit.tree import entries_of
from broker.banks.connector import BankAccess, Connector, Credential, Window
from broker.banks.connectors import BankEndpoint, build
from broker.errors import BankRefusedReceipt
from broker.grants.acts import Actor
from broker.outbound import OutboundClient
from broker.policy.terms import Choice
from broker.release import Call, OwnAccount, OwnAccounts, Wanted
from tests.support.core import ASKER, DATA, KEY, House, as_text, call_of

API = {"harbor": "/fdx/v6", "meridian": "/open-banking/v4.0/aisp"}
STANDARDS = {"harbor": "fdx", "meridian": "obie"}


@dataclass
class Meeting:
    """A person with a grant at a bank that wants receipts. `accounts` are all they hold, the first two are granted."""

    house: House
    bank: Teller
    bank_id: str
    url: str
    grant_id: str
    accounts: list[OwnAccount]

    def reads(self, category: str, **wanted: Any) -> None:
        self.house.watch.now = datetime.now(UTC)
        released = self.house.release.read(self.call(), Wanted(category, **wanted), as_text)
        released.held.drop()

    def call(self) -> Call:
        return replace(call_of(self.grant_id), interaction_id=str(uuid.uuid4()))

    def announced(self) -> list[tuple[str, int]]:
        """Where the entries stand that announced a request to the bank."""
        log = f"broker.example/audit/{self.bank_id}/{datetime.now(UTC).year}"
        with self.house.database.read() as session:
            leaves = [json.loads(leaf) for leaf in entries_of(session, log, 0, 1_000)]
        events = ("access.requested", "accounts.listed")
        return [(leaf["log"], leaf["number"]) for leaf in leaves if leaf["event"] in events]

    def served(self) -> list[dict[str, Any]]:
        answer = requests.get(f"{self.url}/sandbox/served.jsonl", timeout=10)
        return [json.loads(line) for line in answer.text.splitlines()]


class Mute:
    """A connector of a broker that sends no receipts."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    def accounts(self, access: BankAccess) -> Any:
        return self._connector.accounts(replace(access, announced=None))

    def transactions(self, access: BankAccess, refs: list[str], window: Window) -> Any:
        return self._connector.transactions(replace(access, announced=None), refs, window)


def connector_to(bank_id: str, url: str, *, receipts_required: bool = True) -> Connector:
    endpoint = BankEndpoint(bank_id, url, url + API[bank_id], "broker", receipts_required)
    http = OutboundClient(frozenset({url.removeprefix("http://")}), 10.0)
    return build(STANDARDS[bank_id], endpoint, http, lambda audience: audience, lambda: datetime.now(UTC))


@contextmanager
def meeting(house: House, folder: Path, bank_id: str) -> Iterator[Meeting]:
    key = Ed25519PrivateKey.from_private_bytes(KEY[::-1])
    with teller(folder, STANDARDS[bank_id], key=key) as bank, serving(bank) as url:
        house.watch.now = datetime.now(UTC)
        connectors: dict[str, Any] = house.banks
        connectors[bank_id] = connector_to(bank_id, url)
        with house.database.write() as session:
            credential = Credential("the-token", None, FAR).dump()
            found = house.users.sign_in(
                session, bank_id=bank_id, subject=bank.customer, name="M", credential=credential, now=house.watch()
            )
        person = Actor(found.user_id, str(uuid.uuid4()))
        grant_id = house.proposed(bank=bank_id, actor=person)
        listed = OwnAccounts(house.release).of(person, house.grant(grant_id))
        choice = Choice(DATA, tuple(one.account_id for one in listed[:2]))
        house.consents.approve(person, grant_id, ASKER, choice, [one.offered for one in listed])
        yield Meeting(house, bank, bank_id, url, grant_id, listed)


@pytest.fixture(params=["harbor", "meridian"])
def met(house: House, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Meeting]:
    with meeting(house, tmp_path, request.param) as opened:
        yield opened


def test_everything_that_a_grant_gives_is_served_under_receipts(met: Meeting) -> None:
    for category in DATA:
        met.reads(category)
        met.reads(category, account_id=met.accounts[0].account_id)
    week_ago = datetime.now(UTC) - timedelta(days=7)
    met.reads("transactions", oldest_at=week_ago)
    met.reads("card_locations", oldest_at=week_ago - timedelta(days=20), newest_at=week_ago)
    served = met.served()
    # The bank's list and the broker's log name the same accesses.
    assert {(row["log"], row["number"]) for row in served} >= set(met.announced())
    assert {row["interactionId"] for row in served} == {row["interaction_id"] for row in served_for_anybody(met)}


def served_for_anybody(met: Meeting) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = requests.get(f"{met.url}/sandbox/served", timeout=10).json()
    return found


@pytest.mark.parametrize("met", ["harbor"], indirect=True)
def test_a_broker_that_sends_no_receipt_gets_no_data_and_its_log_says_so(met: Meeting) -> None:
    before, connectors = met.served(), met.house.banks
    banks: dict[str, Any] = connectors
    banks["harbor"] = Mute(connector_to("harbor", met.url, receipts_required=False))
    with pytest.raises(BankRefusedReceipt, match="receipt-missing"):
        met.reads("accounts")
    assert met.house.events(last=2) == ["access.requested", "access.failed"]
    assert met.house.log()[-1].reasons == ("bank-refused-receipt",)
    assert met.served() == before
    # That it is the bank's check which stands in the way: with it off, the same broker gets everything.
    met.bank.bank.trusted_log = None
    met.reads("accounts")
    assert met.house.events(last=1) == ["access.released"]


@pytest.mark.parametrize("met", ["harbor"], indirect=True)
def test_a_receipt_of_an_earlier_access_opens_nothing_again(met: Meeting) -> None:
    connector: Any = met.house.banks["harbor"]
    kept: list[BankAccess] = []

    class Keeping(Mute):
        def accounts(self, access: BankAccess) -> Any:
            kept.append(access)
            return connector.accounts(kept[0])

    banks: dict[str, Any] = met.house.banks
    banks["harbor"] = Keeping(connector)
    met.reads("accounts")
    with pytest.raises(BankRefusedReceipt, match="receipt-used"):
        met.reads("accounts")


@pytest.mark.parametrize("met", ["meridian"], indirect=True)
def test_the_largest_headers_reach_the_check(met: Meeting) -> None:
    url = f"{met.url}{API['meridian']}/accounts"
    headers = {
        "Authorization": "Bearer the-token",
        "x-broker-receipt": "A" * 5_460,
        "x-broker-disclosures": "A" * 16_384,
    }
    answer = requests.get(url, headers=headers, timeout=10)
    assert answer.headers["x-broker-receipt-error"] == "receipt-malformed"
