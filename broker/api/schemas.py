"""What callers may ask, in the query or in a body of JSON (marshmallow).

An unknown parameter is refused: a filter that is ignored would widen the answer.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import request
from marshmallow import RAISE, Schema, ValidationError, fields, validate
from werkzeug.exceptions import UnsupportedMediaType

from broker.crypto.strict_json import read_object
from broker.errors import InvalidRequest

_MOST_MONEY = 10**12
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_PAGE_SIZE = 25
_MOST_PAGE_SIZE = 1_000


def _amount(name: str) -> fields.Decimal:
    return fields.Decimal(
        data_key=name, allow_nan=False, validate=validate.Range(-_MOST_MONEY, _MOST_MONEY), load_default=None
    )


def _instant(name: str) -> fields.AwareDateTime:
    # Within years that no arithmetic on days can leave.
    return fields.AwareDateTime(
        data_key=name, format="iso", validate=validate.Range(_EARLIEST, _LATEST), load_default=None
    )


class EmptyQuery(Schema):
    """No parameters at all."""

    class Meta:
        unknown = RAISE


class PageQuery(EmptyQuery):
    """Which part of a list: `page-size` 1 to 1,000 records, `cursor` as the last answer's next link gave it."""

    page_size = fields.Integer(
        data_key="page-size", strict=False, validate=validate.Range(1, _MOST_PAGE_SIZE), load_default=_PAGE_SIZE
    )
    cursor = fields.String(validate=validate.Length(1, 1_000), load_default=None)


class TimesQuery(PageQuery):
    """A list that reaches back in time; instants are RFC 3339."""

    oldest_time = _instant("oldest-time")
    newest_time = _instant("newest-time")


class TransactionsQuery(TimesQuery):
    """Transactions, filtered by amount (signed) and by text in the description or the shop's name."""

    min_amount = _amount("min-amount")
    max_amount = _amount("max-amount")
    text = fields.String(validate=validate.Length(1, 100), load_default=None)


class BalanceQuestion(EmptyQuery):
    """Is the available balance of an account at least this? Which amounts there are is the policies' to say."""

    account_id = fields.String(data_key="accountId", required=True, validate=validate.Length(1, 128))
    at_least = fields.String(data_key="atLeast", required=True, validate=validate.Length(1, 20))
    currency = fields.String(required=True, validate=validate.Regexp(r"[A-Z]{3}\Z"))


class AskedPlace(EmptyQuery):
    """A country (ISO 3166-1 alpha-2), or a town of it."""

    country = fields.String(required=True, validate=validate.Regexp(r"[A-Z]{2}\Z"))
    town = fields.String(data_key="townName", validate=validate.Length(1, 100), load_default=None)


class LocationQuestion(EmptyQuery):
    """Was a card used there since then? `since` is an ISO 8601 span; which there are is the policies' to say."""

    place = fields.Nested(AskedPlace, required=True)
    since = fields.String(required=True, validate=validate.Length(1, 20))


class PostedAlert(EmptyQuery):
    """What a bank says of an alert that it has raised: customer, account and alert by its own ids, and when."""

    subject = fields.String(required=True, validate=validate.Length(1, 255))
    account_ref = fields.String(data_key="accountId", required=True, validate=validate.Length(1, 128))
    ref = fields.String(data_key="alertId", required=True, validate=validate.Regexp(r"[A-Za-z0-9._~-]{1,64}\Z"))
    occurred_at = fields.AwareDateTime(
        data_key="occurredAt", required=True, format="iso", validate=validate.Range(_EARLIEST, _LATEST)
    )


def body(schema: Schema) -> Mapping[str, Any]:
    """Read a body of JSON by a schema; the query must be empty.

    Raises:
        InvalidRequest: no JSON object, or an unknown, repeated, missing or badly typed member; the detail names it,
            never its value.
        UnsupportedMediaType: the body says that it is something else.
    """
    query(EmptyQuery())
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    try:
        loaded: Mapping[str, Any] = schema.load(read_object(request.get_data()))
    except ValidationError as error:
        name = _safe(min(str(name) for name in error.messages_dict))
        raise InvalidRequest(f"The member {name} is missing, unknown or cannot be used.") from error
    except ValueError as error:
        raise InvalidRequest("The body must be one JSON object.") from error
    return loaded


def query(schema: Schema) -> Mapping[str, Any]:
    """Read the query string by a schema.

    Raises:
        InvalidRequest: an unknown, repeated or badly typed parameter; the detail names it, never its value.
    """
    if repeated := [name for name, values in request.args.lists() if len(values) > 1]:
        raise InvalidRequest(f"The parameter {_safe(repeated[0])} is repeated.")
    try:
        loaded: Mapping[str, Any] = schema.load(request.args.to_dict())
    except (ValidationError, OverflowError) as error:
        names = sorted(error.messages_dict) if isinstance(error, ValidationError) else ["?"]
        raise InvalidRequest(f"The parameter {_safe(names[0])} is unknown or cannot be used.") from error
    return loaded


def _safe(name: str) -> str:
    """Repeat a parameter's name only where it is harmless."""
    return name if name.replace("-", "").isalnum() and name.isascii() and len(name) <= 32 else "in the query"  # noqa: PLR2004 - long enough for every name of ours
