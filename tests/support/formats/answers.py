"""What leaves the broker as lists of data, for each category: a record as an app gets it."""

# ruff: noqa: N815 - the fields have the names that apps see
from marshmallow import RAISE, Schema, fields, validate

_ID = validate.Regexp(r"[A-Za-z0-9_-]{1,64}\Z")
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"


class Record(Schema):
    """What has no value is missing, never null; nothing that is not named here leaves."""

    class Meta:
        unknown = RAISE


def _text(*, must: bool = False) -> fields.String:
    return fields.String(required=must)


def _form(pattern: str, *, must: bool = False) -> fields.String:
    return fields.String(required=must, validate=validate.Regexp(rf"(?:{pattern})\Z"))


def _one_of(*words: str) -> fields.String:
    return fields.String(required=True, validate=validate.OneOf(words))


def _money(*, must: bool = False) -> fields.String:
    return _form(r"(?!-0\.0+\Z)-?[0-9]{1,14}\.[0-9]{2,5}", must=must)


def _instant(*, must: bool = True) -> fields.String:
    return _form(rf"{_DAY}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}Z", must=must)


class Account(Record):
    accountId = fields.String(required=True, validate=_ID)
    displayName = _text(must=True)
    nickname = _text()
    maskedNumber = _form("••[0-9A-Za-z]{4}", must=True)
    openStatus = _one_of("OPEN", "CLOSED")
    productCategory = _one_of("TRANS_AND_SAVINGS_ACCOUNTS", "CRED_AND_CHRG_CARDS")
    currency = _form("[A-Z]{3}", must=True)


class Balance(Record):
    accountId = fields.String(required=True, validate=_ID)
    currentBalance = _money(must=True)
    availableBalance = _money()
    creditLimit = _money()
    amortisedLimit = _money()
    currency = _form("[A-Z]{3}", must=True)
    asOf = _instant()


class Transaction(Record):
    """Of the instants the day alone is told."""

    accountId = fields.String(required=True, validate=_ID)
    transactionId = fields.String(required=True, validate=_ID)
    type = _one_of(
        *("DIRECT_DEBIT", "FEE", "INTEREST_CHARGED", "INTEREST_PAID", "PAYMENT"),
        *("TRANSFER_INCOMING", "TRANSFER_OUTGOING", "OTHER"),
    )
    status = _one_of("PENDING", "POSTED")
    postingDateTime = _form(f"{_DAY}T00:00:00Z")
    executionDateTime = _form(f"{_DAY}T00:00:00Z", must=True)
    amount = _money(must=True)
    currency = _form("[A-Z]{3}", must=True)
    merchantCategoryCode = _form("[0-9]{4}")
    description = _text(must=True)
    merchantName = _text()


BY_CATEGORY = {"accounts": Account, "balances": Balance, "transactions": Transaction}
