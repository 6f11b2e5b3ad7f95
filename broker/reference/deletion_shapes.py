"""The shapes of requests to delete, as the API lists them."""

from typing import Any

from broker.grants.deletion_views import KeptBecause, Statement

Json = dict[str, Any]

_INSTANT: Json = {"type": "string", "format": "date-time"}
_URL: Json = {"type": "string", "format": "uri"}
DELETION: Json = {
    "type": "object",
    "description": "What a person has asked this client to delete. What has not happened is absent.",
    "additionalProperties": False,
    "required": ["deletionId", "grantId", "status", "requestedAt", "respondBy"],
    "properties": {
        "deletionId": {"type": "string", "format": "uuid"},
        "grantId": {"type": "string", "format": "uuid"},
        "status": {"enum": ["requested", "acknowledged", *(one.value for one in Statement)]},
        "reason": {"enum": [one.value for one in KeptBecause], "description": "Why a part is kept."},
        "requestedAt": _INSTANT,
        "respondBy": {**_INSTANT, "description": "Until when the client must say that it is done."},
        "acknowledgedAt": _INSTANT,
        "completedAt": _INSTANT,
    },
}
_REFERENCE: Json = {"$ref": "#/components/schemas/Deletion"}


def one() -> Json:
    """Return the shape of an answer with one request."""
    return _object({"data": _REFERENCE, "links": _object({"self": _URL}), "meta": _object({})})


def several() -> Json:
    """Return the shape of one part of the list."""
    links = _object({"self": _URL, "first": _URL, "next": _URL}, "self", "first")
    data = _object({"deletions": {"type": "array", "items": _REFERENCE}})
    return _object({"data": data, "links": links, "meta": _object({"totalRecords": {"type": "integer"}})})


def _object(properties: Json, *required: str) -> Json:
    needed = list(required or properties)
    return {"type": "object", "additionalProperties": False, "required": needed, "properties": properties}
