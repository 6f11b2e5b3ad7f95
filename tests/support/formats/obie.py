"""UK Open Banking Read/Write 4, as much of it as the broker asks for: what its objects look like and what they mean."""

from decimal import Decimal
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
from tests.support.formats.forms import Later, Part, Row, Rows, Unopened, must, only
from tests.support.formats.places import CHANNELS, geography
from tests.support.formats.values import (
    Choice,
    Instant,
    LastFour,
    Money,
    Name,
    Own,
    Truth,
    Words,
    currency,
    kind_of_shop,
)

_PRODUCTS = dict.fromkeys(("CACC", "SVGS"), "TRANS_AND_SAVINGS_ACCOUNTS") | {"CARD": "CRED_AND_CHRG_CARDS"}
_OPEN = dict.fromkeys(("Enabled", "Pending", "ProForma"), OpenStatus.OPEN)
_CLOSED = dict.fromkeys(("Disabled", "Deleted"), OpenStatus.CLOSED)
_WAYS = {"Credit": 1, "Debit": -1}
_BOOKED, _AVAILABLE = "ITBD", "ITAV"
# What each code of ISO 20022 is called when money left, and when it came in: first the sub-family counts, then the
# family. Everything else is OTHER.
_SUB_FAMILIES = """
    CHRG COMM FEES  FEE               FEE
    INTR            INTEREST_CHARGED  INTEREST_PAID
    CWDL CDPT       OTHER             OTHER
    POSD POSC       PAYMENT           PAYMENT
"""
_FAMILIES = """
    ICDT RCDT IRCT RRCT  TRANSFER_OUTGOING  TRANSFER_INCOMING
    IDDT RDDT            DIRECT_DEBIT       DIRECT_DEBIT
    CCRD MCRD            PAYMENT            PAYMENT
"""


def _table(text: str) -> dict[str, tuple[str, str]]:
    rows = [line.split() for line in text.strip().splitlines()]
    return {code: (out, into) for *codes, out, into in rows for code in codes}


_BY_SUB_FAMILY, _BY_FAMILY = _table(_SUB_FAMILIES), _table(_FAMILIES)


class Person(Row):
    party_id = Name("PartyId")


class PartyData(Row):
    party = Part("Party", Person)


class Party(Row):
    data = Part("Data", PartyData)

    @post_load
    def meant(self, data: dict[str, Any], **_: Any) -> str:
        return str(data["data"]["party"]["party_id"])


class Fault(Row):
    code = Words("ErrorCode", "UK.OBIE.Resource.NotFound")


class Refusal(Row):
    faults = Rows("Errors", Fault, maybe=True)

    @post_load
    def meant(self, data: dict[str, Any], **_: Any) -> list[str]:
        return [fault["code"] for fault in data["faults"] or []]


class Number(Row):
    number = LastFour("Identification")


class Supplement(Row):
    ownership = Words("Ownership", "INDIVIDUAL", "JOINT", maybe=True)


class Account(Row):
    """Of the numbers that an account has the first one counts."""

    ref = Name("AccountId")
    kind = Choice("AccountTypeCode", _PRODUCTS)
    description = Words("Description")
    nickname = Words("Nickname", maybe=True)
    numbers = Rows("Account", Number, is_first=True)
    status = Choice("Status", _OPEN | _CLOSED)
    currency = currency("Currency")
    extra = Part("SupplementaryData", Supplement, maybe=True)

    @post_load
    def meant(self, data: dict[str, Any], **_: Any) -> list[BankAccount]:
        is_joint = data["extra"] is not None and data["extra"]["ownership"] not in {None, "INDIVIDUAL"}
        told = (data["ref"], data["description"], data["nickname"], data["numbers"]["number"], data["status"])
        return [BankAccount(*told, data["kind"], data["currency"], is_joint)]


class Listed(Row):
    """A row of the list of accounts. One of another type is left out, and nothing else of it is looked at."""

    also = (Account,)
    kind = Words("AccountTypeCode", *_PRODUCTS, "LOAN")

    @post_load(pass_original=True)
    def meant(self, data: dict[str, Any], original: dict[str, Any], **_: Any) -> list[BankAccount]:
        return Account().load(original) if data["kind"] in _PRODUCTS else []


class Amount(Row):
    amount = Money("Amount")
    currency = currency("Currency")


class Line(Row):
    is_included = Truth("Included")
    limit = Part("Amount", Amount)


class AnyLine(Row):
    """Of the lines of a balance the credit line is looked at: what was agreed to be lent."""

    also = (Line,)
    kind = Words("Type", "Credit", "Available", "Emergency", maybe=True)

    @post_load(pass_original=True)
    def meant(self, data: dict[str, Any], original: dict[str, Any], **_: Any) -> list[Any]:
        return [Line().load(original)] if data["kind"] == "Credit" else []


class Told(Row):
    """A balance of a type that the broker tells on."""

    way = Choice("CreditDebitIndicator", _WAYS)
    amount = Part("Amount", Amount)
    lines = Rows("CreditLine", AnyLine, maybe=True)

    @post_load
    def meant(self, data: dict[str, Any], **_: Any) -> tuple[Decimal, str, Any]:
        code, line = data["amount"]["currency"], only([one for found in data["lines"] or [] for one in found])
        must(line is None or line["limit"]["currency"] == code)
        return _signed(data), code, line


class Booked(Row):
    at = Instant("DateTime")


class AnyBalance(Row):
    also = (Told, Booked)
    own = Own("AccountId")
    kind = Words("Type", _BOOKED, _AVAILABLE, _BOOKED, _AVAILABLE, "CLBD")

    @post_load(pass_original=True)
    def meant(self, data: dict[str, Any], original: dict[str, Any], **_: Any) -> tuple[str, dict[str, Any]]:
        return data["kind"], original


class BalanceData(Row):
    balances = Rows("Balance", AnyBalance)


class Balance(Row):
    """The booked balance, and the available one where the bank tells it: in one currency, each at most once."""

    data = Part("Data", BalanceData)

    @post_load
    def meant(self, data: dict[str, Any], **_: Any) -> BankBalance:
        told = data["data"]["balances"]
        booked, available = (only([row for kind, row in told if kind == asked]) for asked in (_BOOKED, _AVAILABLE))
        must(booked is not None)
        current, code, line = Told().load(booked)
        spendable = None
        if available is not None:
            spendable, code_of_available, of_available = Told().load(available)
            must(code_of_available == code)
            line = line or of_available
            if of_available and not of_available["is_included"]:
                spendable += of_available["limit"]["amount"]
        limit = line and line["limit"]["amount"]
        return BankBalance("acc-1", current, spendable, limit, None, code, Booked().load(booked)["at"])


class Shop(Row):
    name = Words("MerchantName", maybe=True)
    code = kind_of_shop("MerchantCategoryCode")


class Kind(Row):
    family = Words("Code", *_BY_FAMILY)
    sub_family = Words("SubCode", *_BY_SUB_FAMILY)


class Transaction(Row):
    """It happened when it was booked, or at its value date if that is earlier."""

    own = Own("AccountId")
    ref = Name("TransactionId")
    way = Choice("CreditDebitIndicator", _WAYS)
    amount = Part("Amount", Amount)
    status = Choice("Status", {"BOOK": TransactionStatus.POSTED, "PDNG": TransactionStatus.PENDING})
    booked_at = Instant("BookingDateTime")
    value_at = Instant("ValueDateTime", maybe=True)
    information = Words("TransactionInformation", maybe=True)
    reference = Words("TransactionReference", maybe=True)
    shop = Part("MerchantDetails", Shop, maybe=True)
    kind = Part("BankTransactionCode", Kind, maybe=True)

    @post_load
    def meant(self, data: dict[str, Any], **_: Any) -> BankTransaction:
        shop, status, booked_at = data["shop"], data["status"], data["booked_at"]
        return BankTransaction(
            account_ref=data["own"],
            ref=data["ref"],
            type=_type(data["kind"], is_out=data["way"] < 0),
            status=status,
            description=data["information"] or "",
            posted_at=booked_at if status is TransactionStatus.POSTED else None,
            executed_at=min(booked_at, data["value_at"] or booked_at),
            amount=_signed(data),
            currency=data["amount"]["currency"],
            reference=data["reference"],
            merchant_name=shop and shop["name"],
            merchant_category_code=shop and shop["code"],
        )


_Address, _Point, place_of = geography("Country Region TownName PostCode StreetName Latitude Longitude")


class Acceptor(Row):
    """Where a card was presented."""

    channel = Choice("Channel", CHANNELS)
    address = Unopened("Address", _Address, maybe=True)
    point = Unopened("Geo", _Point, maybe=True)


class UseSupplement(Row):
    acceptor = Part("CardAcceptor", Acceptor, maybe=True)


class UsedShop(Row):
    code = kind_of_shop("MerchantCategoryCode")


class Use(Row):
    own = Own("AccountId")
    extra = Part("SupplementaryData", UseSupplement, maybe=True)
    ref = Later(Name("TransactionId"))
    booked_at = Later(Instant("BookingDateTime"))
    value_at = Later(Instant("ValueDateTime", maybe=True))
    shop = Later(Part("MerchantDetails", UsedShop, maybe=True))

    @post_load
    def meant(self, data: dict[str, Any], **_: Any) -> CardUse | None:
        acceptor = data["extra"] and data["extra"]["acceptor"]
        if acceptor is None:
            return None
        shop, booked_at = data["shop"](), data["booked_at"]()
        at = min(booked_at, data["value_at"]() or booked_at)
        code = shop and shop["code"]
        return CardUse(data["own"], data["ref"](), at, acceptor["channel"], code, place_of(acceptor), "bank_extension")


def _signed(data: dict[str, Any]) -> Decimal:
    amount: Decimal = data["amount"]["amount"]
    return -amount if amount and data["way"] < 0 else amount


def _type(kind: dict[str, Any] | None, *, is_out: bool) -> TransactionType:
    if kind is None:
        return TransactionType.OTHER
    meanings = _BY_SUB_FAMILY.get(kind["sub_family"]) or _BY_FAMILY.get(kind["family"]) or ("OTHER", "OTHER")
    return TransactionType(meanings[0 if is_out else 1])
