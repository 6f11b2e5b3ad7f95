"""An account that the bank has no longer: named by the connector and left out, in the words of either standard."""

from typing import Any

import pytest
from fake_bank import WINDOW, FakeBank, access

from broker.banks.connector import BankAccess, Connector
from broker.errors import BankInvalidAnswer

OBIE_GONE = {"Code": "400 Bad Request", "Errors": [{"ErrorCode": "UK.OBIE.Resource.NotFound", "Message": "no"}]}
FDX_ACCOUNT = {
    "accountCategory": "DEPOSIT_ACCOUNT",
    "accountId": "acc-1",
    "currency": {"currencyCode": "GBP"},
    "currentBalance": 10.5,
    "balanceAsOf": "2026-11-20T12:00:00Z",
}
OBIE_BALANCE = {
    "AccountId": "acc-1",
    "Type": "ITBD",
    "CreditDebitIndicator": "Credit",
    "Amount": {"Amount": "10.50", "Currency": "GBP"},
    "DateTime": "2026-11-20T12:00:00Z",
}


def lays_out(bank: FakeBank, standard: str, status: int, refusal: Any) -> Connector:
    """Let the bank have acc-1, and say of acc-2 what is given."""
    if standard == "fdx":
        bank.answers["/api/accounts/acc-1"] = FDX_ACCOUNT
        bank.answers["/api/accounts/acc-1/transactions"] = {"transactions": []}
        gone = ("/api/accounts/acc-2", "/api/accounts/acc-2/transactions")
    else:
        bank.answers["/api/accounts/acc-1/balances"] = {"Data": {"Balance": [OBIE_BALANCE]}}
        bank.answers["/api/accounts/acc-1/transactions"] = {"Data": {"Transaction": []}}
        gone = ("/api/accounts/acc-2/balances", "/api/accounts/acc-2/transactions")
    for path in gone:
        bank.answers[path], bank.status[path] = refusal, status
    return bank.connector(standard)


def asks(connector: Connector, what: str, about: BankAccess) -> list[Any]:
    refs = ["acc-2", "acc-1"]
    if what == "balances":
        return list(connector.balances(about, refs))
    return list(getattr(connector, what)(about, refs, WINDOW))


@pytest.mark.parametrize("what", ["balances", "transactions", "card_uses"])
@pytest.mark.parametrize(
    ("standard", "status", "refusal"),
    [
        ("fdx", 404, {"code": "701", "message": "Account not found"}),
        ("fdx", 410, {"code": "705", "message": "Account is closed"}),
        ("obie", 400, OBIE_GONE),
    ],
)
def test_what_the_bank_has_still_is_answered(
    bank: FakeBank, standard: str, status: int, refusal: Any, what: str
) -> None:
    connector, about = lays_out(bank, standard, status, refusal), access()
    assert len(asks(connector, what, about)) == (what == "balances")
    assert about.closed == {"acc-2"}


@pytest.mark.parametrize("what", ["balances", "transactions", "card_uses"])
@pytest.mark.parametrize(
    ("standard", "status", "refusal"),
    [
        ("fdx", 404, {}),
        ("fdx", 404, {"code": "601", "message": "Customer not found"}),
        ("fdx", 404, {"code": 701}),
        ("fdx", 404, ["701"]),
        ("fdx", 500, {"code": "701", "message": "Account not found"}),
        ("fdx", 403, {"code": "701", "message": "Account not found"}),
        ("obie", 404, OBIE_GONE),
        ("obie", 400, {"Errors": [{"ErrorCode": "UK.OBIE.Field.Invalid"}]}),
        ("obie", 400, {"Errors": "UK.OBIE.Resource.NotFound"}),
        ("obie", 400, {}),
    ],
    ids=str,
)
def test_any_other_refusal_fails_as_a_whole(
    bank: FakeBank, standard: str, status: int, refusal: Any, what: str
) -> None:
    connector, about = lays_out(bank, standard, status, refusal), access()
    with pytest.raises(Exception, match="bank-unavailable"):
        asks(connector, what, about)
    assert about.closed == set()


def test_a_list_of_accounts_that_is_not_there_is_a_failure(bank: FakeBank) -> None:
    bank.answers["/api/customers/current"] = {"customerId": "hb-1"}
    bank.answers["/api/accounts"], bank.status["/api/accounts"] = {"code": "701"}, 404
    about = access()
    with pytest.raises(BankInvalidAnswer):
        bank.connector("fdx").accounts(about)
    assert about.closed == set()
