"""What the OBIE connector makes of a bank's answers, honest and hostile."""

from decimal import Decimal
from typing import Any

import pytest
from fake_bank import WINDOW, FakeBank, access

from broker.banks.connector import Channel, OpenStatus, TransactionStatus, TransactionType
from broker.errors import BankInvalidAnswer, BankTimeout

CURRENT = {
    "AccountId": "acc-1",
    "Status": "Enabled",
    "Currency": "GBP",
    "AccountTypeCode": "CACC",
    "Description": "Current Account",
    "Account": [{"SchemeName": "UK.OBIE.SortCodeAccountNumber", "Identification": "20411712345678", "Name": "A"}],
}
CARD_NUMBER = [{"SchemeName": "UK.OBIE.PAN", "Identification": "************4321"}]
BOOKED = {
    "AccountId": "acc-1",
    "CreditDebitIndicator": "Debit",
    "Type": "ITBD",
    "DateTime": "2026-11-20T09:00:00Z",
    "Amount": {"Amount": "250.75", "Currency": "GBP"},
}
AVAILABLE = BOOKED | {
    "CreditDebitIndicator": "Credit",
    "Type": "ITAV",
    "Amount": {"Amount": "749.25", "Currency": "GBP"},
}
LINE = {"Included": True, "Type": "Credit", "Amount": {"Amount": "1000.00", "Currency": "GBP"}}
PURCHASE = {
    "AccountId": "acc-1",
    "TransactionId": "t-1",
    "CreditDebitIndicator": "Debit",
    "Status": "BOOK",
    "BookingDateTime": "2026-11-10T10:00:00Z",
    "ValueDateTime": "2026-11-11T10:00:00Z",
    "TransactionInformation": "CAFE",
    "Amount": {"Amount": "3.5", "Currency": "GBP"},
    "MerchantDetails": {"MerchantName": "Café Blue", "MerchantCategoryCode": "5812"},
    "BankTransactionCode": {"Code": "CCRD", "SubCode": "POSD"},
    "CreditorAccount": {"SchemeName": "UK.OBIE.SortCodeAccountNumber", "Identification": "1", "Name": "Bob Friend"},
    "SupplementaryData": {
        "CardAcceptor": {
            "Channel": "in_store",
            "Address": {"Country": "GB", "TownName": "Leeds", "PostCode": "LS1 4DY", "StreetName": "The Headrow"},
            "Geo": {"Latitude": "53.8", "Longitude": "-1.5"},
        }
    },
}


def envelope(name: str, *rows: Any, following: Any = None) -> dict[str, Any]:
    return {"Data": {name: list(rows)}, "Links": {"Self": "x", "Next": following}, "Meta": {}}


def with_transactions(bank: FakeBank, *rows: Any, following: Any = None) -> None:
    bank.answers["/api/accounts/acc-1/transactions"] = envelope("Transaction", *rows, following=following)


def with_accounts(bank: FakeBank, *rows: Any, party: str = "hb-1") -> None:
    bank.answers["/api/party"] = {"Data": {"Party": {"PartyId": party, "Name": "A"}}}
    bank.answers["/api/accounts"] = envelope("Account", *rows)


def test_accounts_show_four_digits_of_numbers_and_cards(bank: FakeBank) -> None:
    card = CURRENT | {"AccountId": "card-1", "AccountTypeCode": "CARD", "Account": CARD_NUMBER, "Status": "Deleted"}
    with_accounts(bank, CURRENT | {"SupplementaryData": {"Ownership": "JOINT"}}, card)
    current, credit = bank.connector("obie").accounts(access())
    assert (current.masked_number, current.is_joint, current.open_status) == ("••5678", True, OpenStatus.OPEN)
    assert (credit.masked_number, credit.is_joint, credit.open_status) == ("••4321", False, OpenStatus.CLOSED)


def test_another_customers_answer_is_refused_before_accounts_are_asked(bank: FakeBank) -> None:
    with_accounts(bank, CURRENT, party="hb-2")
    with pytest.raises(BankInvalidAnswer, match="another customer"):
        bank.connector("obie").accounts(access())
    assert bank.data_paths == ["/api/party"]


@pytest.mark.parametrize("name", list(CURRENT))
@pytest.mark.parametrize("value", [None, 7, [], {}, [7], "x" * 501])
def test_an_account_with_a_wrong_field_refuses_the_answer(bank: FakeBank, name: str, value: object) -> None:
    with_accounts(bank, CURRENT | {name: value})
    with pytest.raises(BankInvalidAnswer):
        bank.connector("obie").accounts(access())


@pytest.mark.parametrize(("included", "available"), [(True, "749.25"), (False, "1749.25")])
def test_a_cards_credit_line_is_counted_exactly_once(bank: FakeBank, included: bool, available: str) -> None:
    rows = [AVAILABLE | {"CreditLine": [LINE | {"Included": included}]}, BOOKED]
    bank.answers["/api/accounts/acc-1/balances"] = envelope("Balance", *rows)
    (read,) = bank.connector("obie").balances(access(), ["acc-1"])
    assert (read.current, read.available, read.credit_limit) == (
        Decimal("-250.75"),
        Decimal(available),
        Decimal("1000.00"),
    )


def test_what_can_be_spent_is_not_guessed_where_the_bank_does_not_say(bank: FakeBank) -> None:
    bank.answers["/api/accounts/acc-1/balances"] = envelope("Balance", BOOKED)
    (read,) = bank.connector("obie").balances(access(), ["acc-1"])
    assert (read.current, read.available) == (Decimal("-250.75"), None)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [AVAILABLE],
        [AVAILABLE, BOOKED, BOOKED],
        [AVAILABLE, AVAILABLE, BOOKED],
        [AVAILABLE, BOOKED | {"AccountId": "acc-2"}],
        [AVAILABLE, BOOKED | {"Amount": {"Amount": "1", "Currency": "EUR"}}],
        [AVAILABLE, BOOKED | {"Amount": {"Amount": "-1", "Currency": "GBP"}}],
        [AVAILABLE, BOOKED | {"Amount": {"Amount": 1, "Currency": "GBP"}}],
        [AVAILABLE, BOOKED | {"Amount": {"Amount": "Infinity", "Currency": "GBP"}}],
        [AVAILABLE, BOOKED | {"Amount": {"Amount": "１", "Currency": "GBP"}}],  # noqa: RUF001 - a full-width digit
        [AVAILABLE, BOOKED | {"CreditDebitIndicator": "Neither"}],
        [AVAILABLE, BOOKED | {"DateTime": "2026-11-20"}],
        [AVAILABLE, BOOKED | {"DateTime": "2026-11-20T09:00:00"}],
        [AVAILABLE, BOOKED | {"DateTime": "0001-01-01T00:00:00+14:00"}],
        [AVAILABLE, BOOKED | {"DateTime": "2026-13-40T09:00:00Z"}],
        [AVAILABLE | {"CreditLine": [LINE | {"Included": "yes"}]}, BOOKED],
    ],
)
def test_balances_that_do_not_make_sense_are_refused(bank: FakeBank, rows: list[Any]) -> None:
    bank.answers["/api/accounts/acc-1/balances"] = envelope("Balance", *rows)
    with pytest.raises(BankInvalidAnswer):
        bank.connector("obie").balances(access(), ["acc-1"])


def test_a_card_purchase_is_read_without_the_other_party(bank: FakeBank) -> None:
    with_transactions(bank, PURCHASE)
    (read,) = bank.connector("obie").transactions(access(), ["acc-1"], WINDOW)
    assert (read.type, read.status, str(read.amount)) == (TransactionType.PAYMENT, TransactionStatus.POSTED, "-3.50")
    assert (read.merchant_name, read.merchant_category_code) == ("Café Blue", "5812")
    assert "Bob" not in repr(read)


@pytest.mark.parametrize(
    ("code", "indicator", "expected"),
    [
        (("RDDT", "PMDD"), "Debit", TransactionType.DIRECT_DEBIT),
        (("RCDT", "SALA"), "Credit", TransactionType.TRANSFER_INCOMING),
        (("ICDT", "STDO"), "Debit", TransactionType.TRANSFER_OUTGOING),
        (("MDOP", "FEES"), "Debit", TransactionType.FEE),
        (("MCOP", "INTR"), "Credit", TransactionType.INTEREST_PAID),
        (("CCRD", "CWDL"), "Debit", TransactionType.OTHER),
        (("XXXX", "YYYY"), "Debit", TransactionType.OTHER),
    ],
)
def test_bank_transaction_codes_are_mapped(
    bank: FakeBank, code: tuple[str, str], indicator: str, expected: TransactionType
) -> None:
    coded = {"BankTransactionCode": {"Code": code[0], "SubCode": code[1]}, "CreditDebitIndicator": indicator}
    with_transactions(bank, PURCHASE | coded)
    (read,) = bank.connector("obie").transactions(access(), ["acc-1"], WINDOW)
    assert read.type is expected


def test_the_earlier_of_booking_and_value_date_is_when_it_happened(bank: FakeBank) -> None:
    with_transactions(bank, PURCHASE | {"ValueDateTime": "2026-11-08T10:00:00Z", "Status": "PDNG"})
    (read,) = bank.connector("obie").transactions(access(), ["acc-1"], WINDOW)
    assert (read.executed_at.day, read.posted_at) == (8, None)


def test_card_uses_carry_place_and_source(bank: FakeBank) -> None:
    online = {"SupplementaryData": {"CardAcceptor": {"Channel": "online"}}, "TransactionId": "t-0"}
    with_transactions(bank, PURCHASE, PURCHASE | online, PURCHASE | {"SupplementaryData": None, "TransactionId": "t-9"})
    in_store, web = bank.connector("obie").card_uses(access(), ["acc-1"], WINDOW)
    assert in_store.place is not None
    assert (in_store.place.town, in_store.place.lat, in_store.source) == ("Leeds", Decimal("53.8"), "bank_extension")
    assert (web.channel, web.place) == (Channel.ONLINE, None)


def test_pages_are_followed_at_the_same_bank(bank: FakeBank) -> None:
    second = "/api/accounts/acc-1/transactions?page=2"
    with_transactions(bank, PURCHASE, following=f"{bank.origin}{second}")
    bank.answers[second] = envelope("Transaction", PURCHASE | {"TransactionId": "t-2"})
    assert len(bank.connector("obie").transactions(access(), ["acc-1"], WINDOW)) == 2


@pytest.mark.parametrize(
    "following",
    [
        "https://other.example/api/accounts",
        "http://localhost:1/api/accounts",
        "{origin}.other.example/api/x",
        "{origin}@other.example/api/x",
        "{origin}/elsewhere",
        "/api/accounts/acc-1/transactions?page=2",
        "",
        7,
    ],
)
def test_pages_that_lead_elsewhere_are_not_followed(bank: FakeBank, following: Any) -> None:
    link = following.format(origin=bank.origin) if isinstance(following, str) else following
    with_transactions(bank, PURCHASE, following=link)
    with pytest.raises(BankInvalidAnswer):
        bank.connector("obie").transactions(access(), ["acc-1"], WINDOW)
    assert len(bank.data_paths) == 1


def test_fifty_pages_are_enough(bank: FakeBank) -> None:
    for page in range(60):
        following = f"{bank.origin}/api/accounts/acc-1/transactions?page={page + 1}"
        bank.answers[f"/api/accounts/acc-1/transactions?page={page}"] = envelope("Transaction", following=following)
    with_transactions(bank, following=f"{bank.origin}/api/accounts/acc-1/transactions?page=0")
    with pytest.raises(BankInvalidAnswer, match="do not end"):
        bank.connector("obie").transactions(access(), ["acc-1"], WINDOW)
    assert len(bank.data_paths) == 50


def test_many_slow_pages_together_end_after_twenty_seconds(bank: FakeBank) -> None:
    for page in range(60):
        following = f"{bank.origin}/api/accounts/acc-1/transactions?page={page + 1}"
        bank.answers[f"/api/accounts/acc-1/transactions?page={page}"] = envelope("Transaction", following=following)
    with_transactions(bank, following=f"{bank.origin}/api/accounts/acc-1/transactions?page=0")
    # Each page takes nine seconds, and the machine's own clock stands still.
    slow = bank.connector("obie", timeout_s=15.0, monotonic=lambda: 9.0 * len(bank.data_paths))
    with pytest.raises(BankTimeout):
        slow.transactions(access(), ["acc-1"], WINDOW)
    assert len(bank.data_paths) == 3


def test_a_transaction_of_another_account_refuses_the_answer(bank: FakeBank) -> None:
    with_transactions(bank, PURCHASE | {"AccountId": "acc-2"})
    with pytest.raises(BankInvalidAnswer, match="AccountId"):
        bank.connector("obie").transactions(access(), ["acc-1"], WINDOW)
