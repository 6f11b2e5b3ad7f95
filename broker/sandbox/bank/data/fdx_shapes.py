"""How FDX v6 writes customers, accounts, balances and transactions.

The place of a card use is Harbor's documented extension `cardAcceptor`, named after Berlin Group's field.
"""

import json
from typing import Any

from broker.sandbox.bank import clock
from broker.sandbox.bank.data.decimal_json import Json
from broker.sandbox.bank.ledger import Balance, Window, money
from broker.sandbox.bank.logins import Person
from broker.sandbox.bank.models import AccountRow, EntryRow
from broker.sandbox.people.entry import EntryKind
from broker.sandbox.people.persona import AccountKind

Fields = dict[str, Json]

_ACCOUNT_TYPES = {
    AccountKind.CURRENT: "CHECKING",
    AccountKind.SAVINGS: "SAVINGS",
    AccountKind.CREDIT_CARD: "CREDITCARD",
}
_DEPOSIT_TYPES = {
    EntryKind.CARD_PURCHASE: "POSDEBIT",
    EntryKind.CASH_WITHDRAWAL: "ATMWITHDRAWAL",
    EntryKind.SALARY: "DIRECTDEPOSIT",
    EntryKind.INCOMING_PAYMENT: "DEPOSIT",
    EntryKind.DIRECT_DEBIT: "BILLPAYMENT",
    EntryKind.BILL_PAYMENT: "BILLPAYMENT",
    EntryKind.TRANSFER: "TRANSFER",
    EntryKind.FEE: "FEE",
    EntryKind.INTEREST: "INTEREST",
}
_ADDRESS = {
    "country": "country",
    "region": "region",
    "townName": "town",
    "postCode": "post_code",
    "streetName": "street",
}
_CARD_TYPES = {
    EntryKind.CARD_PURCHASE: "PURCHASE",
    EntryKind.CASH_WITHDRAWAL: "WITHDRAWAL",
    EntryKind.CARD_REPAYMENT: "PAYMENT",
    EntryKind.FEE: "FEE",
    EntryKind.INTEREST: "INTEREST",
}
# Own people may have any kind on any account.
_OTHERWISE = "ADJUSTMENT"


def customer(person: Person | None) -> Fields:
    """Return who the customer is."""
    if person is None:
        return {}
    return {"customerId": person.subject, "name": {"first": person.first_name, "last": person.last_name}}


def page(window: Window, total: int) -> Fields:
    """Return where the next page begins, if there is one, and how many elements there are."""
    after = window.skip + window.limit
    following: Fields = {"nextOffset": str(after)} if after < total else {}
    return following | {"totalElements": total}


def account(row: AccountRow) -> Fields:
    """Return an account without balances."""
    nickname: Fields = {} if row.nickname is None else {"nickname": row.nickname}
    fields: Fields = {
        "accountCategory": _category(row),
        "accountId": row.account_id,
        "accountType": _ACCOUNT_TYPES[AccountKind(row.kind)],
        "accountNumberDisplay": row.number[-4:],
        "productName": row.product,
        "status": "CLOSED" if row.closed else "OPEN",
        "currency": {"currencyCode": row.currency},
        "accountOwnership": "JOINT" if row.joint else "INDIVIDUAL",
    }
    return fields | nickname


def balances(row: AccountRow, balance: Balance, at: int) -> Fields:
    """Return an account's balances; a card's current balance is what is owed, as a positive number."""
    as_of: Fields = {"balanceAsOf": clock.rfc3339(clock.from_epoch(at))}
    if row.kind == AccountKind.CREDIT_CARD:
        credit: Fields = {"availableCredit": balance.available_credit, "creditLine": balance.limit}
        return as_of | {"currentBalance": -balance.booked} | credit
    return as_of | {"currentBalance": balance.booked, "availableBalance": balance.available}


def transaction(account_row: AccountRow, row: EntryRow, at: int) -> Fields:
    """Return one transaction, pending when it is not posted at the instant given."""
    types = _CARD_TYPES if account_row.kind == AccountKind.CREDIT_CARD else _DEPOSIT_TYPES
    pending = row.posted_at > at
    fields: Fields = {
        "accountId": row.account_id,
        "accountCategory": _category(account_row),
        "transactionId": row.entry_id,
        "status": "PENDING" if pending else "POSTED",
        "transactionTimestamp": clock.rfc3339(clock.from_epoch(row.occurred_at)),
        "description": row.description,
        "debitCreditMemo": "DEBIT" if row.amount_cents < 0 else "CREDIT",
        "amount": abs(money(row.amount_cents)),
        "transactionType": types.get(EntryKind(row.kind), _OTHERWISE),
    }
    if not pending:
        fields["postedTimestamp"] = clock.rfc3339(clock.from_epoch(row.posted_at))
    if row.counterparty is not None:
        fields["payee"] = row.counterparty
    if row.reference is not None:
        fields["reference"] = row.reference
    if row.card_json is not None:
        fields["cardAcceptor"] = _card_acceptor(json.loads(row.card_json))
    return fields


def _category(row: AccountRow) -> str:
    return "LOC_ACCOUNT" if row.kind == AccountKind.CREDIT_CARD else "DEPOSIT_ACCOUNT"


def _card_acceptor(card: dict[str, Any]) -> Fields:
    fields: Fields = {
        "merchantName": card["merchant"],
        "merchantCategoryCode": card["mcc"],
        "channel": card["channel"],
    }
    place = card["place"]
    if place is None:
        return fields
    address: Fields = {wire: place[name] for wire, name in _ADDRESS.items() if place[name] is not None}
    geo: Fields = {} if place["lat"] is None else {"geo": {"lat": place["lat"], "lon": place["lon"]}}
    return fields | {"cardAcceptorAddress": address} | geo
