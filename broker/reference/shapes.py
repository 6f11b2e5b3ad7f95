"""The shapes of data answers, made from the fields that the policies let out."""

from typing import Any

from broker.banks.connector import AlertKind
from broker.policy import Catalogue
from broker.policy.answers import Answer
from broker.policy.catalogue import Category
from broker.policy.vocabulary import Precision

Json = dict[str, Any]

_TEXT: Json = {"type": "string"}
_MONEY: Json = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "examples": ["1234.50"]}
_INSTANT: Json = {"type": "string", "format": "date-time"}
_CURRENCY: Json = {"type": "string", "pattern": "^[A-Z]{3}$", "examples": ["GBP"]}
_URL: Json = {"type": "string", "format": "uri"}

_FIELDS: dict[str, Json] = {
    "currentBalance": _MONEY,
    "availableBalance": _MONEY,
    "creditLimit": _MONEY,
    "amortisedLimit": _MONEY,
    "amount": _MONEY,
    "currency": _CURRENCY,
    "asOf": _INSTANT,
    "postingDateTime": _INSTANT,
    "executionDateTime": _INSTANT,
    "occurredOn": {"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]},
    "merchantCategoryCode": {"type": "string", "pattern": "^[0-9]{4}$"},
    "openStatus": {"enum": ["OPEN", "CLOSED"]},
    "status": {"enum": ["PENDING", "POSTED"]},
    "channel": {"enum": ["in_store", "online", "atm"]},
    "precision": {"enum": [precision.value for precision in Precision]},
    "answer": {"enum": [answer.value for answer in Answer]},
    "kind": {"enum": [kind.value for kind in AlertKind]},
    "occurredAt": _INSTANT,
    "country": {"type": "string", "pattern": "^[A-Z]{2}$"},
    "lat": {"type": "number", "minimum": -90, "maximum": 90},
    "lon": {"type": "number", "minimum": -180, "maximum": 180},
    "address": {
        "type": "object",
        "additionalProperties": False,
        "properties": dict.fromkeys(("country", "region", "townName", "postCode", "streetName"), _TEXT),
    },
}
_MISSING: Json = {
    "missingAccounts": {
        "type": "array",
        "description": "Granted accounts of which there is nothing here; absent when there is none.",
        "items": {
            "type": "object",
            "additionalProperties": False,
            "required": ["accountId", "code"],
            "properties": {"accountId": _TEXT, "code": {"enum": ["account-closed", "account-not-granted"]}},
        },
    }
}
# What every record of a category has; the other fields are absent where they have no value or are not granted.
_ALWAYS = {"accountId", "transactionId", "cardTransactionId", "answer", "asOf", "alertId", "kind", "occurredAt"}


def records(catalogue: Catalogue) -> Json:
    """Return one schema for a record of each category, by the category's name."""
    return {name: _record(category) for name, category in catalogue.categories.items()}


def _record(category: Category) -> Json:
    return {
        "type": "object",
        "description": category.summary,
        "additionalProperties": False,
        "required": [field.name for field in category.fields if field.name in _ALWAYS],
        "properties": {
            field.name: {**_FIELDS.get(field.name, _TEXT), "description": field.label} for field in category.fields
        },
    }


def list_of(name: str, category: str) -> Json:
    """Return the shape of one page of a list; `name` is what it is called under `data`."""
    data = {name: {"type": "array", "items": {"$ref": f"#/components/schemas/{category}"}}}
    links = {"self": _URL, "first": _URL, "next": _URL}
    meta = {"totalRecords": {"type": "integer"}, **_MISSING}
    return _envelope(_object(data), _object(links, "self", "first"), _object(meta, "totalRecords"))


def one_of(category: str) -> Json:
    """Return the shape of an answer with one record."""
    meta = {"type": "object", "additionalProperties": False, "properties": _MISSING}
    return _envelope({"$ref": f"#/components/schemas/{category}"}, _object({"self": _URL}), meta)


def _envelope(data: Json, links: Json, meta: Json) -> Json:
    return _object({"data": data, "links": links, "meta": meta})


def _object(properties: Json, *required: str) -> Json:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required or properties),
        "properties": properties,
    }
