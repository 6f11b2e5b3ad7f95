"""What each route of the API takes and gives. A test holds this table against the routes."""

from dataclasses import dataclass, field
from typing import Any

from marshmallow import Schema

from broker.api import deletions, schemas, stream_schemas
from broker.errors import BrokerError
from broker.reference import deletion_shapes, refusals
from broker.reference.shapes import list_of, one_of

Json = dict[str, Any]

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
_TEXT, _BYTES, _JWT = "text/plain", "application/octet-stream", "application/token-introspection+jwt"


@dataclass(frozen=True, slots=True)
class Operation:
    """One route: the answers by media type, the query and the body that it takes, and an example of that body.

    `refused` is what a caller may be told in place of what the route's gate has everybody told.
    """

    answers: Json = field(default_factory=dict)
    query: type[Schema] | None = None
    body: Json | type[Schema] | None = None
    kind: str = JSON
    status: int = 200
    example: Json | None = None
    refused: tuple[type[BrokerError], ...] = ()


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(name: str) -> Json:
    return {JSON: _ref(name)}


def _list(name: str, category: str, query: type[Schema]) -> Operation:
    return Operation({JSON: list_of(name, category)}, query)


def _one(category: str) -> Operation:
    return Operation({JSON: one_of(category)})


_WORDS: Json = {_TEXT: {"type": "string"}}
_OCTETS: Json = {_BYTES: {"type": "string", "format": "binary"}}
_ANYTHING: Json = {JSON: {"type": "object"}}
_ASKED_BALANCE: Json = {"accountId": "9e5l2LBgW6m4Dw", "atLeast": "50", "currency": "GBP"}
_ASKED_PLACE: Json = {"place": {"country": "GB", "townName": "Leeds"}, "since": "P1D"}
_ANNOUNCED: Json = {
    JSON: {
        "type": "object",
        "additionalProperties": False,
        "required": ["announced"],
        "properties": {"announced": {"type": "integer", "description": "How many apps were told now."}},
    }
}
_POSTED_ALERT: Json = {
    "subject": "c-1042",
    "accountId": "acc-7",
    "alertId": "fa-20261122-17",
    "occurredAt": "2026-11-22T12:00:00Z",
}

OPERATIONS: dict[str, Operation] = {
    "api.accounts": _list("accounts", "accounts", schemas.PageQuery),
    "api.account": _one("accounts"),
    "api.account_balances": _list("balances", "balances", schemas.PageQuery),
    "api.balance": _one("balances"),
    "api.transactions": _list("transactions", "transactions", schemas.TransactionsQuery),
    "api.card_locations": _list("cardLocations", "card_locations", schemas.TimesQuery),
    "answers.balance": Operation(
        {JSON: one_of("balance_answers")}, body=schemas.BalanceQuestion, example=_ASKED_BALANCE
    ),
    "answers.location": Operation(
        {JSON: one_of("location_answers")}, body=schemas.LocationQuestion, example=_ASKED_PLACE
    ),
    "deletions.listed": Operation({JSON: deletion_shapes.several()}, deletions.DeletionsQuery),
    "deletions.acknowledge": Operation({JSON: deletion_shapes.one()}),
    "deletions.complete": Operation(
        {JSON: deletion_shapes.one()}, body=deletions.DeletionDone, example={"statement": "completed"}
    ),
    "fraud_alerts.fraud_alert": _one("fraud_alerts"),
    "bank_alerts.announce": Operation(
        _ANNOUNCED, body=schemas.PostedAlert, status=202, example=_POSTED_ALERT, refused=refusals.OF_ALERT
    ),
    "grant_receipts.receipt": Operation(_WORDS),
    "oauth.par": Operation(_json("Pushed"), body=_ref("PushedRequest"), kind=FORM, status=201),
    "oauth.token": Operation(_json("Token"), body=_ref("TokenRequest"), kind=FORM),
    "oauth.revoke_token": Operation(_ANYTHING, body=_ref("TokenToEnd"), kind=FORM),
    "oauth.introspect_token": Operation(
        _json("Introspection") | {_JWT: {"type": "string"}}, body=_ref("TokenToExamine"), kind=FORM
    ),
    "grant_resource.query": Operation(_json("Grant")),
    "grant_resource.give_back": Operation(status=204),
    "streams.create": Operation(_json("Stream"), body=_ref("StreamWish"), status=201),
    "streams.read": Operation(_ANYTHING, stream_schemas.StreamQuery),
    "streams.change": Operation(_json("Stream"), body=_ref("StreamWish")),
    "streams.replace": Operation(_json("Stream"), body=_ref("StreamWish")),
    "streams.remove": Operation(query=stream_schemas.OneStreamQuery, status=204),
    "stream_acts.status": Operation(_json("StreamStatus"), stream_schemas.OneStreamQuery),
    "stream_acts.set_status": Operation(_json("StreamStatus"), body=_ref("StreamStatus")),
    "stream_acts.verify": Operation(body=_ref("StreamVerification"), status=204),
    "stream_acts.poll": Operation(_json("Polled"), body=_ref("Poll")),
    "ssf_metadata.transmitter": Operation(_json("Transmitter")),
    "registration.register": Operation(_json("Registered"), body=_ref("Registration"), status=201),
    "registration.read": Operation(_json("Registered")),
    "registration.change": Operation(_json("Registered"), body=_ref("Registration")),
    "registration.leave": Operation(status=204),
    "well_known.authorization_server": Operation(_ANYTHING),
    "well_known.protected_resource": Operation(_ANYTHING),
    "well_known.jwks": Operation({"application/jwk-set+json": {"type": "object"}}),
    "well_known.bank_data": Operation({"application/schema+json": {"type": "object"}}),
    "audit_hashes.checkpoint": Operation(_WORDS),
    "audit_hashes.keys": Operation(_WORDS),
    "audit_hashes.hash_tile": Operation(_OCTETS),
    "audit_entries.entry_bundle": Operation(_OCTETS),
    "audit_entries.proof": Operation(_WORDS),
}
