"""What the FDX connector makes of a bank's answers, honest and hostile."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from fake_bank import WINDOW, FakeBank, access

from broker.banks.connector import CardUse, Channel, OpenStatus, Place, TransactionStatus, TransactionType
from broker.errors import BankInvalidAnswer

CHECKING = {
    "accountCategory": "DEPOSIT_ACCOUNT",
    "accountId": "acc-1",
    "accountType": "CHECKING",
    "accountNumberDisplay": "000012345678",
    "productName": "Everyday Checking",
    "status": "OPEN",
    "currency": {"currencyCode": "USD"},
    "accountOwnership": "JOINT",
}
CARD = CHECKING | {"accountCategory": "LOC_ACCOUNT", "accountId": "card-1", "accountOwnership": "INDIVIDUAL"}
ACCEPTOR = {
    "merchantName": "Paws & Co",
    "merchantCategoryCode": "0742",
    "channel": "in_store",
    "cardAcceptorAddress": {"country": "US", "region": "MA", "townName": "Boston", "postCode": "02108"},
    "geo": {"lat": "42.3601", "lon": "-71.0589"},
}
PURCHASE = {
    "accountId": "acc-1",
    "transactionId": "t-1",
    "status": "POSTED",
    "transactionTimestamp": "2026-11-10T10:00:00Z",
    "postedTimestamp": "2026-11-11T10:00:00Z",
    "description": "PAWS & CO",
    "debitCreditMemo": "DEBIT",
    "amount": 12.5,
    "transactionType": "POSDEBIT",
    "cardAcceptor": ACCEPTOR,
}


def with_accounts(bank: FakeBank, *rows: Any) -> None:
    bank.answers["/api/customers/current"] = {"customerId": "hb-1", "name": {"first": "A", "last": "B"}}
    bank.answers["/api/accounts"] = {"page": {"totalElements": len(rows)}, "accounts": list(rows)}


def with_transactions(bank: FakeBank, *rows: Any) -> None:
    bank.answers["/api/accounts/acc-1"] = CHECKING
    bank.answers["/api/accounts/acc-1/transactions"] = {"transactions": list(rows)}


def test_accounts_show_four_digits_and_who_shares_them(bank: FakeBank) -> None:
    with_accounts(bank, CHECKING | {"nickname": "Bills", "status": "CLOSED"}, CARD)
    joint, card = bank.connector("fdx").accounts(access())
    assert (joint.masked_number, joint.is_joint, joint.nickname) == ("••5678", True, "Bills")
    assert (joint.open_status, joint.product_category) == (OpenStatus.CLOSED, "TRANS_AND_SAVINGS_ACCOUNTS")
    assert (card.is_joint, card.nickname, card.product_category) == (False, None, "CRED_AND_CHRG_CARDS")


def test_accounts_of_other_kinds_are_left_out(bank: FakeBank) -> None:
    with_accounts(bank, CHECKING | {"accountCategory": "INVESTMENT_ACCOUNT"}, CARD)
    assert [account.ref for account in bank.connector("fdx").accounts(access())] == ["card-1"]


def test_another_customers_answer_is_refused_before_accounts_are_asked(bank: FakeBank) -> None:
    with_accounts(bank, CHECKING)
    bank.answers["/api/customers/current"] = {"customerId": "hb-2"}
    with pytest.raises(BankInvalidAnswer, match="another customer"):
        bank.connector("fdx").accounts(access())
    assert bank.data_paths == ["/api/customers/current"]


def test_an_account_listed_twice_is_refused(bank: FakeBank) -> None:
    with_accounts(bank, CHECKING, CHECKING)
    with pytest.raises(BankInvalidAnswer):
        bank.connector("fdx").accounts(access())


@pytest.mark.parametrize("name", [name for name in CHECKING if name != "accountType"])
@pytest.mark.parametrize("value", [None, 7, [], {}, True, "x" * 501])
def test_an_account_with_a_wrong_field_refuses_the_answer(bank: FakeBank, name: str, value: object) -> None:
    with_accounts(bank, CHECKING | {name: value})
    with pytest.raises(BankInvalidAnswer):
        bank.connector("fdx").accounts(access())


def test_balances_come_in_the_order_asked_for_and_debts_are_negative(bank: FakeBank) -> None:
    as_of = {"balanceAsOf": "2026-11-20T09:00:00+01:00"}
    bank.answers["/api/accounts/acc-1"] = CHECKING | as_of | {"currentBalance": 100, "availableBalance": 90.1}
    owed = {"currentBalance": 250.75, "availableCredit": 749.25, "creditLine": 1000}
    bank.answers["/api/accounts/card-1"] = CARD | as_of | owed
    card, checking = bank.connector("fdx").balances(access(category="balances"), ["card-1", "acc-1"])
    assert (card.current, card.available, card.credit_limit) == (Decimal("-250.75"), Decimal("749.25"), Decimal(1000))
    assert (str(checking.current), str(checking.available), checking.credit_limit) == ("100.00", "90.10", None)
    assert checking.as_of == datetime(2026, 11, 20, 8, tzinfo=UTC)


def test_what_can_be_spent_is_not_guessed_where_the_bank_does_not_say(bank: FakeBank) -> None:
    bank.answers["/api/accounts/acc-1"] = CHECKING | {"balanceAsOf": "2026-11-20T09:00:00Z", "currentBalance": 100}
    (read,) = bank.connector("fdx").balances(access(), ["acc-1"])
    assert (str(read.current), read.available) == ("100.00", None)


@pytest.mark.parametrize(
    "amount", [b"1e400", b"1e-400", b"1E+14", b"0e99", b'"5"', b"true", b"null", b"0.123456", b"[]"]
)
def test_money_that_is_no_sane_number_is_refused(bank: FakeBank, amount: bytes) -> None:
    bank.answers["/api/accounts/acc-1"] = (
        b'{"accountId": "acc-1", "accountCategory": "DEPOSIT_ACCOUNT", "currency": {"currencyCode": "USD"},'
        b'"balanceAsOf": "2026-11-20T09:00:00Z", "availableBalance": 1, "currentBalance": ' + amount + b"}"
    )
    with pytest.raises(BankInvalidAnswer, match="currentBalance"):
        bank.connector("fdx").balances(access(), ["acc-1"])


def test_the_balance_of_another_account_is_refused(bank: FakeBank) -> None:
    bank.answers["/api/accounts/acc-1"] = CARD
    with pytest.raises(BankInvalidAnswer, match="accountId"):
        bank.connector("fdx").balances(access(), ["acc-1"])


def test_a_card_purchase_is_read_whole(bank: FakeBank) -> None:
    with_transactions(bank, PURCHASE)
    (read,) = bank.connector("fdx").transactions(access(), ["acc-1"], WINDOW)
    assert (read.ref, read.type, read.status) == ("t-1", TransactionType.PAYMENT, TransactionStatus.POSTED)
    assert (str(read.amount), read.currency, read.merchant_category_code) == ("-12.50", "USD", "0742")
    assert (read.merchant_name, read.description) == ("Paws & Co", "PAWS & CO")
    assert (read.executed_at.day, read.posted_at and read.posted_at.day) == (10, 11)


def test_a_pending_transaction_has_no_posting_date(bank: FakeBank) -> None:
    with_transactions(bank, PURCHASE | {"status": "PENDING"})
    (read,) = bank.connector("fdx").transactions(access(), ["acc-1"], WINDOW)
    assert (read.status, read.posted_at) == (TransactionStatus.PENDING, None)


@pytest.mark.parametrize(
    ("kind", "direction", "expected"),
    [
        ("INTEREST", "CREDIT", TransactionType.INTEREST_PAID),
        ("INTEREST", "DEBIT", TransactionType.INTEREST_CHARGED),
        ("TRANSFER", "DEBIT", TransactionType.TRANSFER_OUTGOING),
        ("DIRECTDEPOSIT", "CREDIT", TransactionType.TRANSFER_INCOMING),
        ("FEE", "DEBIT", TransactionType.FEE),
        ("ATMWITHDRAWAL", "DEBIT", TransactionType.OTHER),
        ("SOMETHING_NEW", "DEBIT", TransactionType.OTHER),
    ],
)
def test_kinds_are_mapped_by_direction(bank: FakeBank, kind: str, direction: str, expected: TransactionType) -> None:
    with_transactions(bank, PURCHASE | {"transactionType": kind, "debitCreditMemo": direction})
    (read,) = bank.connector("fdx").transactions(access(), ["acc-1"], WINDOW)
    assert read.type is expected
    assert (read.amount < 0) == (direction == "DEBIT")


def test_the_person_who_is_paid_is_never_taken_for_a_merchant(bank: FakeBank) -> None:
    plain = {name: value for name, value in PURCHASE.items() if name != "cardAcceptor"}
    with_transactions(
        bank,
        plain | {"payee": "Bob Friend", "transactionType": "TRANSFER", "transactionId": "t-2"},
        plain | {"payee": "Corner Shop", "transactionType": "POSDEBIT", "transactionId": "t-1"},
    )
    read = bank.connector("fdx").transactions(access(), ["acc-1"], WINDOW)
    assert [(record.ref, record.merchant_name) for record in read] == [("t-2", None), ("t-1", "Corner Shop")]


def test_records_outside_the_window_or_sent_twice_are_dropped_and_the_newest_comes_first(bank: FakeBank) -> None:
    with_transactions(
        bank,
        PURCHASE,
        PURCHASE | {"transactionId": "old", "transactionTimestamp": "2025-11-10T10:00:00Z"},
        PURCHASE | {"transactionId": "future", "transactionTimestamp": "2026-12-10T10:00:00Z"},
        PURCHASE | {"transactionId": "t-2", "transactionTimestamp": "2026-11-12T10:00:00Z"},
        PURCHASE,
    )
    read = bank.connector("fdx").transactions(access(), ["acc-1"], WINDOW)
    assert [record.ref for record in read] == ["t-2", "t-1"]


def test_a_transaction_of_another_account_refuses_the_answer(bank: FakeBank) -> None:
    with_transactions(bank, PURCHASE, PURCHASE | {"accountId": "acc-2", "transactionId": "t-2"})
    connector = bank.connector("fdx")
    with pytest.raises(BankInvalidAnswer, match="accountId"):
        connector.transactions(access(), ["acc-1"], WINDOW)
    with pytest.raises(BankInvalidAnswer, match="accountId"):
        connector.card_uses(access(), ["acc-1"], WINDOW)


def test_pages_are_followed_to_their_end(bank: FakeBank) -> None:
    connector = bank.connector("fdx")
    with_transactions(bank, PURCHASE)
    connector.card_uses(access(), ["acc-1"], WINDOW)
    first = bank.data_paths[-1]
    bank.answers[first] = {"page": {"nextOffset": "500"}, "transactions": [PURCHASE]}
    bank.answers[f"{first}&offset=500"] = {"page": {}, "transactions": [PURCHASE | {"transactionId": "t-2"}]}
    assert {use.ref for use in connector.card_uses(access(), ["acc-1"], WINDOW)} == {"t-1", "t-2"}


def test_pages_that_never_end_are_refused(bank: FakeBank) -> None:
    with_transactions(bank)
    bank.answers["/api/accounts/acc-1/transactions"] = {"page": {"nextOffset": "1"}, "transactions": []}
    with pytest.raises(BankInvalidAnswer, match="do not end"):
        bank.connector("fdx").card_uses(access(), ["acc-1"], WINDOW)
    assert len(bank.data_paths) == 2


def test_more_records_than_the_broker_takes_are_refused(bank: FakeBank) -> None:
    with_transactions(bank)
    bank.answers["/api/accounts/acc-1/transactions"] = {"transactions": [{}] * 5001}
    with pytest.raises(BankInvalidAnswer):
        bank.connector("fdx").card_uses(access(), ["acc-1"], WINDOW)


def test_card_uses_carry_the_place_and_online_ones_none(bank: FakeBank) -> None:
    plain = {name: value for name, value in PURCHASE.items() if name != "cardAcceptor"}
    with_transactions(
        bank,
        PURCHASE,
        PURCHASE | {"transactionId": "t-0", "cardAcceptor": ACCEPTOR | {"channel": "online"}},
        plain | {"transactionId": "t-9"},
    )
    in_store, online = bank.connector("fdx").card_uses(access(), ["acc-1"], WINDOW)
    place = Place("US", "MA", "Boston", "02108", None, Decimal("42.3601"), Decimal("-71.0589"))
    assert in_store == CardUse(
        "acc-1", "t-1", datetime(2026, 11, 10, 10, tzinfo=UTC), Channel.IN_STORE, "0742", place, "bank_extension"
    )
    assert (online.ref, online.channel, online.place) == ("t-0", Channel.ONLINE, None)


@pytest.mark.parametrize(
    "acceptor",
    [
        [],
        "x",
        {},
        {"channel": "by_pigeon"},
        ACCEPTOR | {"merchantCategoryCode": 742},
        ACCEPTOR | {"merchantCategoryCode": "742"},
        ACCEPTOR | {"cardAcceptorAddress": {}},
        ACCEPTOR | {"cardAcceptorAddress": {"country": "usa"}},
        ACCEPTOR | {"geo": {"lat": "91", "lon": "0"}},
        ACCEPTOR | {"geo": {"lat": "NaN", "lon": "0"}},
        ACCEPTOR | {"geo": {"lat": 42.3, "lon": "0"}},
        ACCEPTOR | {"geo": {"lat": "1"}},
    ],
)
def test_a_card_acceptor_that_is_wrong_refuses_the_answer(bank: FakeBank, acceptor: object) -> None:
    with_transactions(bank, PURCHASE | {"cardAcceptor": acceptor})
    with pytest.raises(BankInvalidAnswer):
        bank.connector("fdx").card_uses(access(), ["acc-1"], WINDOW)


def test_account_ids_cannot_climb_out_of_their_path(bank: FakeBank) -> None:
    with_accounts(bank, CHECKING | {"accountId": ".."})
    connector = bank.connector("fdx")
    with pytest.raises(BankInvalidAnswer):
        connector.accounts(access())
    with pytest.raises(BankInvalidAnswer):
        connector.balances(access(), ["a/../../x?y#z"])
    assert bank.data_paths[-1] == "/api/accounts/a%2F..%2F..%2Fx%3Fy%23z"


def test_a_refusal_names_the_field_and_never_what_stood_there(bank: FakeBank) -> None:
    with_transactions(bank, PURCHASE | {"amount": "4111-1111-SECRET"})
    with pytest.raises(BankInvalidAnswer) as caught:
        bank.connector("fdx").transactions(access(), ["acc-1"], WINDOW)
    assert "answer.transactions.amount" in caught.value.detail
    assert "SECRET" not in str(caught.value)
