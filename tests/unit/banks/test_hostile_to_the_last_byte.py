"""From the bytes of a hostile bank to the bytes that leave: never more than the grant names (invariant 5).

Every text that must not leave holds a canary, planted beside honest records under every name, place and type.
"""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, cast

import pytest
from fake_bank import NOW, SUBJECT, access
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_connector_fdx import CARD, CHECKING
from test_connector_fdx import PURCHASE as FDX_PURCHASE
from test_connector_obie import AVAILABLE, BOOKED, CURRENT, LINE
from test_connector_obie import PURCHASE as OBIE_PURCHASE

from broker.api.paging import Pager
from broker.api.rendering import ListShape, list_renderer
from broker.banks.connector import Window
from broker.banks.connectors import BankEndpoint, build
from broker.crypto.pairwise import PairwiseIds
from broker.crypto.sealing import Sealer
from broker.errors import BrokerError
from broker.outbound import Answer, OutboundClient
from broker.outbound.deadline import Deadline
from broker.policy.answers import AmountQuestion, PlaceQuestion, Question
from broker.policy.minimise import Limits, minimise
from broker.policy.terms import CategoryTerm
from broker.policy.vocabulary import DETAIL_ORDER, PRECISION_ORDER, Detail, Precision
from broker.release.records import Naming, fetch
from tests.support.core import policies

BASE, KEY = "https://bank.example/api", bytes(range(32))
CANARY = "zqxcanary"
OLDEST = NOW.replace(hour=0) - timedelta(days=30)
NAMING = Naming(PairwiseIds(KEY), "messenger", "harbor", {"acc-1": "own-id"})
FDX_BALANCE = CHECKING | {"currentBalance": 70, "availableBalance": 60, "balanceAsOf": "2026-11-20T09:00:00Z"}
OBIE_BALANCE = [AVAILABLE | {"CreditLine": [LINE]}, BOOKED]
EXACT_ONLY = {"streetName", "StreetName", "lat", "lon", "Latitude", "Longitude", "geo", "Geo"}
SURPRISES: tuple[Any, ...] = (
    CANARY,
    {"value": CANARY},
    [CANARY],
    {"accountId": CANARY, "AccountId": CANARY},
    CANARY * 200,
    f"{CANARY}\u202e\x00\ud800\U0001f600",
    None,
    True,
    0,
    -1e300,
    10**40,
    [],
    {},
    "",
    "2026-11-10T10:00:00Z",
    "1999-01-01T00:00:00Z",
)
ALIKE = ("description ", "Description", "merchantname", "account", "Name", "payee", "Reference", "__proto__", "holder")


@dataclass
class Shelf:
    """The one HTTP client of a connector: each path holds the bytes of an answer."""

    pages: dict[str, Any] = field(default_factory=dict)

    def get(self, url: str, _headers: dict[str, str], **_bounds: Any) -> Answer:
        path = url.removeprefix(BASE).partition("?")[0]
        body = json.dumps(self.pages.get(path, {})).encode()
        return Answer(200, {"content-type": "application/json"}, body)

    def deadline(self, seconds: float) -> Deadline:
        return Deadline(monotonic() + seconds, monotonic)


def shelf(standard: str, accounts: list[Any], balance: Any, rows: list[Any]) -> Shelf:
    if standard == "fdx":
        own = {"/customers/current": {"customerId": SUBJECT}, "/accounts": {"accounts": accounts}}
        return Shelf({**own, "/accounts/acc-1": balance, "/accounts/acc-1/transactions": {"transactions": rows}})
    return Shelf(
        {
            "/party": {"Data": {"Party": {"PartyId": SUBJECT}}},
            "/accounts": {"Data": {"Account": accounts}},
            "/accounts/acc-1/balances": {"Data": {"Balance": balance}},
            "/accounts/acc-1/transactions": {"Data": {"Transaction": rows}},
        }
    )


def leaves(http: Shelf, standard: str, term: CategoryTerm, question: Question | None) -> bytes:
    """Return the very bytes that a platform would get, or the words of the refusal."""
    endpoint = BankEndpoint("harbor", "https://bank.example", BASE, "broker")
    bank = build(standard, endpoint, cast("OutboundClient", http), lambda _: "assertion", lambda: NOW)
    limits = Limits(policies().categories[term.name], term, frozenset({"own-id"}), OLDEST, question)
    pager = Pager.of(Sealer(KEY), "scope", "accountId", 1_000, cursor=None, now=NOW)
    render = list_renderer(ListShape("records", "https://broker.example/v1/x", {}), pager, lambda records: records)
    try:
        records = fetch(bank, access(category=term.name), NAMING, Window(OLDEST, NOW))
        return render(minimise(limits, records), {}).body
    except BrokerError as error:
        return str(error).encode()


TERMS = st.one_of(
    st.sampled_from(["accounts", "balances", "balance_answers", "location_answers"]).map(CategoryTerm),
    st.builds(CategoryTerm, st.just("transactions"), st.sampled_from(DETAIL_ORDER)),
    st.builds(CategoryTerm, st.just("card_locations"), st.none(), st.sampled_from(PRECISION_ORDER)),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where something can be put in the place of something else."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield (*path, name)
        yield from places(one, (*path, name))


@st.composite
def spoilt(draw: st.DrawFn, honest: Any) -> Any:
    """Draw the record with surprises in it: other values, further members, members named alike."""
    record = copy.deepcopy(honest)
    for _ in range(draw(st.integers(0, 2))):
        *way, last = draw(st.sampled_from(list(places(record))))
        inner = record
        for step in way:
            inner = inner[step]
        if draw(st.booleans()) and isinstance(inner, dict):
            inner[draw(st.sampled_from(ALIKE))] = CANARY
        else:
            inner[last] = copy.deepcopy(draw(st.sampled_from(SURPRISES)))
    return record


def person(standard: str) -> Any:
    """A transfer to somebody, with their name in every text."""
    if standard == "fdx":
        kind = {"transactionType": "TRANSFER", "transactionId": "t-2", "payee": CANARY, "reference": CANARY}
        return FDX_PURCHASE | kind | {"description": f"Rent to {CANARY}", "cardAcceptor": None}
    texts = {"TransactionInformation": f"Rent to {CANARY}", "TransactionReference": CANARY, "TransactionId": "t-2"}
    kind = {"BankTransactionCode": {"Code": "ICDT", "SubCode": "DMCT"}, "SupplementaryData": None}
    return OBIE_PURCHASE | kind | texts | {"MerchantDetails": {"MerchantName": CANARY, "MerchantCategoryCode": "5812"}}


def online(standard: str) -> Any:
    """A purchase online with a place, which is nobody's."""
    record: Any = copy.deepcopy(FDX_PURCHASE if standard == "fdx" else OBIE_PURCHASE)
    if standard == "fdx":
        record["transactionId"] = "t-3"
        record["cardAcceptor"] |= {"channel": "online", "cardAcceptorAddress": {"country": "US", "townName": CANARY}}
    else:
        record["TransactionId"] = "t-3"
        acceptor = record["SupplementaryData"]["CardAcceptor"]
        acceptor |= {"Channel": "online", "Address": {"Country": "US", "TownName": CANARY}}
    return record


def old(standard: str) -> Any:
    if standard == "fdx":
        return FDX_PURCHASE | {
            "transactionId": "t-4",
            "description": CANARY,
            "transactionTimestamp": "2026-01-01T00:00:00Z",
        }
    times = {"BookingDateTime": "2026-01-01T00:00:00Z", "ValueDateTime": "2026-01-01T00:00:00Z"}
    return OBIE_PURCHASE | {"TransactionId": "t-4", "TransactionInformation": CANARY} | times


@st.composite
def banks(draw: st.DrawFn) -> tuple[str, Shelf]:
    standard = draw(st.sampled_from(["fdx", "obie"]))
    account: Any = CHECKING if standard == "fdx" else CURRENT
    foreign = {"accountId": "acc-9", "AccountId": "acc-9", "productName": CANARY, "Description": CANARY}
    card: Any = CARD if standard == "fdx" else CURRENT
    purchase: Any = FDX_PURCHASE if standard == "fdx" else OBIE_PURCHASE
    rows = [purchase, person(standard), online(standard), old(standard), purchase]
    balance: Any = FDX_BALANCE if standard == "fdx" else OBIE_BALANCE
    target = draw(st.sampled_from(["account", "balance", "row", "none"]))
    if target == "row":
        rows[0] = draw(spoilt(purchase))
    accounts = [draw(spoilt(account)) if target == "account" else account, card | foreign]
    return standard, shelf(standard, accounts, draw(spoilt(balance)) if target == "balance" else balance, rows)


def allowed_canaries(term: CategoryTerm) -> int:
    """A bank decides what its own accounts and shops are called; there a canary is what the grant names."""
    is_named = term.name == "accounts" or term.detail is Detail.DETAIL
    return 10**6 if is_named or term.precision not in {None, Precision.COUNTRY} else 0


AMOUNT = AmountQuestion(50, "USD", OLDEST, NOW)
PLACE = PlaceQuestion("US", "Boston", 24 * 30, OLDEST, NOW)
QUESTIONS: dict[str, Question] = {"balance_answers": AMOUNT, "location_answers": PLACE}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(banks(), TERMS)
def test_whatever_a_bank_sends_no_more_than_the_grant_names_leaves(bank: tuple[str, Shelf], term: CategoryTerm) -> None:
    standard, http = bank
    body = leaves(http, standard, term, QUESTIONS.get(term.name))
    if not body.startswith(b"{"):
        assert CANARY.encode() not in body
    else:
        check(json.loads(body)["data"]["records"], body, term)


def check(records: list[Any], body: bytes, term: CategoryTerm) -> None:
    names = {field.name for field in policies().categories[term.name].fields_in(term)}
    assert b"acc-1" not in body
    assert b"acc-9" not in body
    assert body.count(CANARY.encode()) <= allowed_canaries(term)
    for record in records:
        assert record.keys() <= names
        assert all(isinstance(value, (str, float)) for name, value in record.items() if name != "address")
        assert record.get("accountId", "own-id") == "own-id"
        for name in {"executionDateTime", "postingDateTime", "occurredOn"} & record.keys():
            is_exact = term.precision is Precision.EXACT
            at = record[name]
            assert is_exact or "T" not in at or at.endswith("T00:00:00Z")
            assert name == "postingDateTime" or datetime.fromisoformat(at).date() >= OLDEST.date()
        if record.get("type", "").startswith("TRANSFER"):
            assert CANARY not in json.dumps(record)
        if record.get("channel") == "online":
            assert not record.keys() & {"address", "lat", "lon"}
        check_place(record.get("address", {}), term.precision)


def check_place(address: Any, precision: Precision | None) -> None:
    known = {"country": 0, "region": 1, "townName": 1, "postCode": 2, "streetName": 3}
    for name, value in address.items():
        assert isinstance(value, str)
        assert precision is not None
        assert known[name] <= PRECISION_ORDER.index(precision)
    if precision is Precision.POSTCODE_AREA:
        assert len(address.get("postCode", "")) <= 4


@pytest.mark.parametrize("standard", ["fdx", "obie"])
@pytest.mark.parametrize(
    ("term", "records"),
    [
        (CategoryTerm("accounts"), 1),
        (CategoryTerm("balances"), 1),
        (CategoryTerm("transactions", Detail.BASIC), 3),
        (CategoryTerm("card_locations", None, Precision.EXACT), 2),
        (CategoryTerm("balance_answers"), 1),
        (CategoryTerm("location_answers"), 1),
    ],
)
def test_what_an_honest_bank_sends_does_leave(standard: str, term: CategoryTerm, records: int) -> None:
    """Otherwise the test above would be content with refusals."""
    account, balance = (CHECKING, FDX_BALANCE) if standard == "fdx" else (CURRENT, OBIE_BALANCE)
    purchase: Any = FDX_PURCHASE if standard == "fdx" else OBIE_PURCHASE
    rows = [purchase, purchase, person(standard), online(standard), old(standard)]
    body = leaves(shelf(standard, [account], balance, rows), standard, term, QUESTIONS.get(term.name))
    found = json.loads(body)["data"]["records"]
    assert len(found) == records
    check(found, body, term)
