"""FDX API 6, as much of it as the broker asks for: what its objects look like and what they mean."""

from typing import Any

from marshmallow import post_load

from broker.banks.connector import (
    BankAccount,
    BankBalance,
    BankTransaction,
    CardUse,
    OpenStatus,
    TransactionStatus,
    TransactionType,
)
from tests.support.formats.forms import Later, Part, Row, Unopened
from tests.support.formats.places import CHANNELS, geography
from tests.support.formats.values import Choice, Instant, LastFour, Name, Number, Own, Words, currency, kind_of_shop

_DEPOSIT, _CREDIT = "DEPOSIT_ACCOUNT", "LOC_ACCOUNT"
_PRODUCTS = {_DEPOSIT: "TRANS_AND_SAVINGS_ACCOUNTS", _CREDIT: "CRED_AND_CHRG_CARDS"}
_PENDING = ("PENDING", "AUTHORIZATION", "MEMO")
_STATUSES = {"POSTED": TransactionStatus.POSTED} | dict.fromkeys(_PENDING, TransactionStatus.PENDING)
# What each kind is called when money left, and when it came in. Every other kind is OTHER.
_KINDS = """
    FEE            FEE                FEE
    INTEREST       INTEREST_CHARGED   INTEREST_PAID
    TRANSFER       TRANSFER_OUTGOING  TRANSFER_INCOMING
    DIRECTDEPOSIT  TRANSFER_OUTGOING  TRANSFER_INCOMING
    DEPOSIT        OTHER              TRANSFER_INCOMING
    DIRECTDEBIT    DIRECT_DEBIT       DIRECT_DEBIT
    BILLPAYMENT    PAYMENT            PAYMENT
    PAYMENT        PAYMENT            PAYMENT
    POSDEBIT       PAYMENT            PAYMENT
    POSCREDIT      PAYMENT            PAYMENT
    PURCHASE       PAYMENT            PAYMENT
    REFUND         PAYMENT            PAYMENT
"""
_MEANINGS = {kind: (out, into) for kind, out, into in map(str.split, _KINDS.strip().splitlines())}
_OUT, _IN = 0, 1


class Customer(Row):
    customer_id = Name("customerId")

    @post_load
    def meant(self, data: dict[str, Any], **_: Any) -> str:
        return str(data["customer_id"])


class Offset(Row):
    offset = Name("nextOffset", maybe=True)


class Paging(Row):
    page = Part("page", Offset, maybe=True)

    @post_load
    def meant(self, data: dict[str, Any], **_: Any) -> str | None:
        return data["page"] and data["page"]["offset"]


class Refusal(Row):
    code = Words("code", "701", "705", maybe=True)

    @post_load
    def meant(self, data: dict[str, Any], **_: Any) -> str | None:
        return data["code"]


class Currency(Row):
    code = currency("currencyCode")


class Currencies(Row):
    """An account, of which nothing but its currency is looked at."""

    own = Own("accountId")
    currency = Part("currency", Currency)

    @post_load
    def meant(self, data: dict[str, Any], **_: Any) -> str:
        return str(data["currency"]["code"])


class Account(Row):
    ref = Name("accountId")
    category = Choice("accountCategory", _PRODUCTS)
    product = Words("productName")
    nickname = Words("nickname", maybe=True)
    number = LastFour("accountNumberDisplay")
    status = Words("status", "CLOSED", "OPEN")
    currency = Part("currency", Currency)
    ownership = Words("accountOwnership", "INDIVIDUAL", "JOINT")

    @post_load
    def meant(self, data: dict[str, Any], **_: Any) -> list[BankAccount]:
        status = OpenStatus.CLOSED if data["status"] == "CLOSED" else OpenStatus.OPEN
        is_joint = data["ownership"] != "INDIVIDUAL"
        told = (data["ref"], data["product"], data["nickname"], data["number"], status, data["category"])
        return [BankAccount(*told, data["currency"]["code"], is_joint)]


class Listed(Row):
    """A row of the list of accounts. One of another category is left out, and nothing else of it is looked at."""

    also = (Account,)
    category = Words("accountCategory", _DEPOSIT, _CREDIT, "INVESTMENT_ACCOUNT")

    @post_load(pass_original=True)
    def meant(self, data: dict[str, Any], original: dict[str, Any], **_: Any) -> list[BankAccount]:
        return Account().load(original) if data["category"] in _PRODUCTS else []


class Balance(Row):
    """What is owed on a card is a positive number here, and a negative one for the broker."""

    own = Own("accountId")
    category = Choice("accountCategory", {_DEPOSIT: False, _CREDIT: True})
    current = Number("currentBalance")
    available = Later(Number("availableBalance", maybe=True))
    available_credit = Later(Number("availableCredit", maybe=True))
    credit_line = Later(Number("creditLine"))
    currency = Part("currency", Currency)
    as_of = Instant("balanceAsOf")

    @post_load
    def meant(self, data: dict[str, Any], **_: Any) -> BankBalance:
        current, code, as_of = data["current"], data["currency"]["code"], data["as_of"]
        if not data["category"]:
            return BankBalance(data["own"], current, data["available"](), None, None, code, as_of)
        owed = -current if current else current
        return BankBalance(data["own"], owed, data["available_credit"](), data["credit_line"](), None, code, as_of)


class Shop(Row):
    name = Words("merchantName", maybe=True)
    code = kind_of_shop("merchantCategoryCode")


class Transaction(Row):
    """One transaction of an account in USD. Of a pending one the day of posting is not looked at."""

    own = Own("accountId")
    ref = Name("transactionId")
    kind = Words("transactionType", "POSDEBIT", *_MEANINGS)
    way = Choice("debitCreditMemo", {"DEBIT": _OUT, "CREDIT": _IN})
    size = Number("amount")
    status = Choice("status", _STATUSES)
    description = Words("description")
    executed_at = Instant("transactionTimestamp")
    posted_at = Later(Instant("postedTimestamp"))
    reference = Words("reference", maybe=True)
    payee = Later(Words("payee", maybe=True))
    shop = Part("cardAcceptor", Shop, maybe=True)

    @post_load
    def meant(self, data: dict[str, Any], **_: Any) -> BankTransaction:
        shop, kind, status = data["shop"], data["kind"], data["status"]
        # Who is paid is a shop where a card was used, or the kind says that something was bought; else a person.
        is_purchase = kind in {"POSDEBIT", "PURCHASE"}
        size = data["size"].copy_abs()
        return BankTransaction(
            account_ref=data["own"],
            ref=data["ref"],
            type=TransactionType(_MEANINGS.get(kind, ("OTHER", "OTHER"))[data["way"]]),
            status=status,
            description=data["description"],
            posted_at=data["posted_at"]() if status is TransactionStatus.POSTED else None,
            executed_at=data["executed_at"],
            amount=-size if size and data["way"] == _OUT else size,
            currency="USD",
            reference=data["reference"],
            merchant_name=shop["name"] if shop else data["payee"]() if is_purchase else None,
            merchant_category_code=shop and shop["code"],
        )


_Address, _Point, place_of = geography("country region townName postCode streetName lat lon")


class Acceptor(Row):
    """Where a card was presented."""

    channel = Choice("channel", CHANNELS)
    code = kind_of_shop("merchantCategoryCode")
    address = Unopened("cardAcceptorAddress", _Address, maybe=True)
    point = Unopened("geo", _Point, maybe=True)


class Use(Row):
    own = Own("accountId")
    acceptor = Part("cardAcceptor", Acceptor, maybe=True)
    ref = Later(Name("transactionId"))
    occurred_at = Later(Instant("transactionTimestamp"))

    @post_load
    def meant(self, data: dict[str, Any], **_: Any) -> CardUse | None:
        acceptor = data["acceptor"]
        if acceptor is None:
            return None
        told = (data["own"], data["ref"](), data["occurred_at"](), acceptor["channel"], acceptor["code"])
        return CardUse(*told, place_of(acceptor), "bank_extension")
