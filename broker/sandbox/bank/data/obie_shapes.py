"""How UK Open Banking v4 writes parties, accounts, balances and transactions.

The place of a card use goes into SupplementaryData, the standard's own room for what it has no field for.
"""

import json
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from broker.sandbox.bank import clock
from broker.sandbox.bank.ledger import Balance, money
from broker.sandbox.bank.logins import Person
from broker.sandbox.bank.models import AccountRow, EntryRow
from broker.sandbox.people.entry import Channel, EntryKind
from broker.sandbox.people.persona import AccountKind, stable_digits

Fields = dict[str, Any]

_SORT_CODE = "204117"
_SORT_CODE_SCHEME = "UK.OBIE.SortCodeAccountNumber"
_TYPE_CODES = {AccountKind.CURRENT: "CACC", AccountKind.SAVINGS: "SVGS", AccountKind.CREDIT_CARD: "CARD"}
_LONGEST_ADDRESS = 70
_ADDRESS = {
    "Country": "country",
    "Region": "region",
    "TownName": "town",
    "PostCode": "post_code",
    "StreetName": "street",
}
_AUTHORISATION = {Channel.IN_STORE: "Contactless", Channel.ONLINE: "ConsumerDevice", Channel.ATM: "PIN"}

# Families and sub-families of ISO 20022's bank transaction codes, for money leaving and money arriving.
_CODES = {
    EntryKind.CARD_PURCHASE: ("CCRD", "POSD"),
    EntryKind.CASH_WITHDRAWAL: ("CCRD", "CWDL"),
    EntryKind.SALARY: ("RCDT", "SALA"),
    EntryKind.INCOMING_PAYMENT: ("RCDT", "BOOK"),
    EntryKind.DIRECT_DEBIT: ("RDDT", "PMDD"),
    EntryKind.BILL_PAYMENT: ("ICDT", "BOOK"),
    EntryKind.CARD_REPAYMENT: ("RCDT", "BOOK"),
    EntryKind.FEE: ("MDOP", "FEES"),
    EntryKind.INTEREST: ("MCOP", "INTR"),
}


def link(url: str, query: dict[str, str]) -> str:
    """Return an absolute link to this bank."""
    return f"{url}?{urlencode(query)}" if query else url


def party(person: Person | None) -> Fields:
    """Return who the customer is."""
    return {} if person is None else {"Party": {"PartyId": person.subject, "Name": person.name}}


def account(row: AccountRow, holder: str) -> Fields:
    """Return an account; the number is whole for a current or savings account, masked for a card."""
    card = row.kind == AccountKind.CREDIT_CARD
    number = {
        "SchemeName": "UK.OBIE.PAN" if card else _SORT_CODE_SCHEME,
        "Identification": _masked(row) if card else _SORT_CODE + row.number,
        "Name": holder,
    }
    fields: Fields = {
        "AccountId": row.account_id,
        "Status": "Disabled" if row.closed else "Enabled",
        "StatusUpdateDateTime": "2024-01-02T09:00:00Z",
        "Currency": row.currency,
        "AccountCategory": "Personal",
        "AccountTypeCode": _TYPE_CODES[AccountKind(row.kind)],
        "Description": row.product,
        "Account": [number],
    }
    if row.nickname is not None:
        fields["Nickname"] = row.nickname
    if row.joint:
        fields["SupplementaryData"] = {"Ownership": "JOINT"}
    return fields


def balances(row: AccountRow, balance: Balance, at: int) -> list[Fields]:
    """Return the booked and the available balance.

    A card's booked balance is what is owed (a debit); what is available of it counts the credit line, and says so.
    """
    if row.kind == AccountKind.CREDIT_CARD:
        booked = _balance(row, "ITBD", balance.booked, at) | _line("Credit", balance.limit, row, included=False)
        available = _balance(row, "ITAV", balance.available_credit, at)
        return [available | _line("Credit", balance.limit, row, included=True), booked]
    overdraft = _line("Pre-Agreed", balance.limit, row, included=False) if balance.limit else {}
    available = _balance(row, "ITAV", balance.available, at)
    return [available | overdraft, _balance(row, "ITBD", balance.booked, at)]


def _balance(row: AccountRow, kind: str, amount: Decimal, at: int) -> Fields:
    return {
        "AccountId": row.account_id,
        "CreditDebitIndicator": _indicator(amount),
        "Type": kind,
        "DateTime": clock.rfc3339(clock.from_epoch(at)),
        "Amount": _amount(amount, row.currency),
    }


def _line(kind: str, limit: Decimal, row: AccountRow, *, included: bool) -> Fields:
    return {"CreditLine": [{"Included": included, "Type": kind, "Amount": _amount(limit, row.currency)}]}


def transaction(account_row: AccountRow, row: EntryRow, at: int) -> Fields:
    """Return one transaction, pending when it is not posted at the instant given."""
    amount = money(row.amount_cents)
    pending = row.posted_at > at
    code, sub_code = _bank_code(row)
    fields: Fields = {
        "AccountId": row.account_id,
        "TransactionId": row.entry_id,
        "CreditDebitIndicator": _indicator(amount),
        "Status": "PDNG" if pending else "BOOK",
        "BookingDateTime": clock.rfc3339(clock.from_epoch(row.occurred_at)),
        "TransactionInformation": row.description,
        "Amount": _amount(amount, account_row.currency),
        "BankTransactionCode": {"Code": code, "SubCode": sub_code},
    }
    if not pending:
        fields["ValueDateTime"] = clock.rfc3339(clock.from_epoch(row.posted_at))
    if row.reference is not None:
        fields["TransactionReference"] = row.reference
    if row.card_json is not None:
        return fields | _card_use(account_row, json.loads(row.card_json))
    return fields | _counterparty(row)


def _bank_code(row: EntryRow) -> tuple[str, str]:
    kind = EntryKind(row.kind)
    if kind is EntryKind.TRANSFER:
        return ("ICDT", "STDO") if row.amount_cents < 0 else ("RCDT", "STDO")
    return _CODES[kind]


def _counterparty(row: EntryRow) -> Fields:
    if row.counterparty is None:
        return {}
    number = int(stable_digits("counterparty", row.counterparty), 16) % 10**14
    identity = {"SchemeName": _SORT_CODE_SCHEME, "Identification": f"{number:014d}", "Name": row.counterparty}
    return {"CreditorAccount" if row.amount_cents < 0 else "DebtorAccount": identity}


def _card_use(account_row: AccountRow, card: dict[str, Any]) -> Fields:
    channel = Channel(card["channel"])
    acceptor: Fields = {"Channel": channel}
    fields: Fields = {
        "MerchantDetails": {"MerchantName": card["merchant"], "MerchantCategoryCode": card["mcc"]},
        "CardInstrument": {
            "CardSchemeName": "VISA",
            "AuthorisationType": _AUTHORISATION[channel],
            "Identification": _masked(account_row),
        },
        "SupplementaryData": {"CardAcceptor": acceptor},
    }
    place = card["place"]
    if place is not None:
        acceptor["Address"] = {wire: place[name] for wire, name in _ADDRESS.items() if place[name] is not None}
        if place["lat"] is not None:
            acceptor["Geo"] = {"Latitude": place["lat"], "Longitude": place["lon"]}
        line = ", ".join(place[name] for name in ("street", "post_code", "town") if place[name] is not None)
        fields["AddressLine"] = line[:_LONGEST_ADDRESS]
    return fields


def _masked(row: AccountRow) -> str:
    return "*" * 12 + row.number[-4:]


def _indicator(amount: Decimal) -> str:
    return "Debit" if amount < 0 else "Credit"


def _amount(amount: Decimal, currency: str) -> Fields:
    return {"Amount": f"{abs(amount):.2f}", "Currency": currency}
