"""The shapes of the routes of events: a stream, its status, and what is polled for."""

from typing import Any

from broker.events.vocabulary import DeliveryMethod, StreamStatus

Json = dict[str, Any]

_TEXT: Json = {"type": "string"}
_TEXTS: Json = {"type": "array", "items": _TEXT}
_DELIVERY: Json = {
    "type": "object",
    "required": ["method"],
    "additionalProperties": False,
    "properties": {
        "method": {"enum": [one.value for one in DeliveryMethod]},
        "endpoint_url": {"type": "string", "format": "uri"},
        "authorization_header": {"type": "string", "description": "Sent with each push, and never shown again."},
    },
}
_STREAM: Json = {
    "stream_id": _TEXT,
    "iss": _TEXT,
    "aud": _TEXT,
    "events_supported": _TEXTS,
    "events_requested": _TEXTS,
    "events_delivered": _TEXTS,
    "delivery": _DELIVERY,
    "min_verification_interval": {"type": "integer"},
    "description": _TEXT,
}
_STATUS: Json = {"stream_id": _TEXT, "status": {"enum": [one.value for one in StreamStatus]}, "reason": _TEXT}
_POLL: Json = {
    "maxEvents": {"type": "integer", "minimum": 0},
    "returnImmediately": {"type": "boolean"},
    "ack": _TEXTS,
    "setErrs": {
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "required": ["err"],
            "properties": {"err": _TEXT, "description": _TEXT},
        },
    },
}
_POLLED: Json = {
    "sets": {"type": "object", "additionalProperties": _TEXT},
    "moreAvailable": {"type": "boolean"},
}


def components() -> Json:
    """Return the named schemas of the routes of events."""
    return {
        "Stream": _object(_STREAM, "stream_id", "iss", "aud", "delivery"),
        "StreamWish": _object(_STREAM),
        "StreamStatus": _object(_STATUS, "stream_id", "status"),
        "StreamVerification": _object({"stream_id": _TEXT, "state": _TEXT}, "stream_id"),
        "Poll": _object(_POLL),
        "Polled": _object(_POLLED, "sets"),
        "Transmitter": {"type": "object", "description": "What this transmitter can do (SSF 1.0 §7)."},
    }


def _object(properties: Json, *required: str) -> Json:
    told: Json = {"type": "object", "additionalProperties": False, "properties": properties}
    return told | ({"required": list(required)} if required else {})
