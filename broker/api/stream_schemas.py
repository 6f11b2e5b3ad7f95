"""What receivers may send about their streams (marshmallow): SSF 1.0 §8.1, RFC 8936 §2.2."""

from marshmallow import fields, validate

from broker.api.schemas import EmptyQuery
from broker.events.vocabulary import DeliveryMethod, StreamStatus

_ID = validate.Length(1, 64)
_MOST_TYPES, _LONGEST_TYPE = 50, 200
_MOST_SETS = 100
# What is sent in a header (RFC 9110 §5.5), and shown to nobody.
_HEADER = validate.Regexp(r"[!-~][ -~]{0,2046}[!-~]\Z")
_READABLE = validate.Regexp(r"[^\x00-\x1f\x7f]{1,300}\Z")
_TYPES = fields.String(validate=validate.Length(1, _LONGEST_TYPE))


class Delivery(EmptyQuery):
    """How events get to the receiver: pushed to an address, or polled for."""

    method = fields.String(required=True, validate=validate.OneOf([one.value for one in DeliveryMethod]))
    endpoint_url = fields.String(validate=validate.Length(1, 2_000))
    authorization_header = fields.String(validate=_HEADER)


class Configuration(EmptyQuery):
    """A stream: what the receiver says of it, and what only we say, which it may send back as it is."""

    stream_id = fields.String(validate=_ID)
    events_requested = fields.List(_TYPES, validate=validate.Length(1, _MOST_TYPES))
    delivery = fields.Nested(Delivery)
    description = fields.String(validate=_READABLE)
    iss = fields.String()
    aud = fields.Raw()
    events_supported = fields.List(fields.String())
    events_delivered = fields.List(fields.String())
    min_verification_interval = fields.Integer(strict=True)


class StreamQuery(EmptyQuery):
    """Which stream is meant; without it all, which is one at most."""

    stream_id = fields.String(validate=_ID, load_default=None)


class OneStreamQuery(EmptyQuery):
    """Which stream is meant."""

    stream_id = fields.String(required=True, validate=_ID)


class Status(EmptyQuery):
    """Whether events flow, wait or are dropped."""

    stream_id = fields.String(required=True, validate=_ID)
    status = fields.String(required=True, validate=validate.OneOf([one.value for one in StreamStatus]))
    reason = fields.String(validate=_READABLE, load_default=None)


class Verification(EmptyQuery):
    """A sign of life is wanted; `state` comes back in it."""

    stream_id = fields.String(required=True, validate=_ID)
    state = fields.String(validate=validate.Length(1, 500), load_default=None)


class SetError(EmptyQuery):
    """Why a receiver would not have an event (RFC 8935 §2.4)."""

    err = fields.String(required=True, validate=validate.Length(1, 100))
    description = fields.String(validate=validate.Length(0, 1_000), load_default=None)


class Poll(EmptyQuery):
    """How many events are wanted, and what became of those given before (RFC 8936 §2.2)."""

    max_events = fields.Integer(data_key="maxEvents", strict=True, validate=validate.Range(0, 10_000), load_default=100)
    return_immediately = fields.Boolean(data_key="returnImmediately", truthy={True}, falsy={False}, load_default=False)
    acknowledged = fields.List(
        fields.String(validate=_ID), data_key="ack", validate=validate.Length(0, _MOST_SETS), load_default=list
    )
    refused = fields.Dict(
        keys=fields.String(validate=_ID),
        values=fields.Nested(SetError),
        data_key="setErrs",
        validate=validate.Length(0, _MOST_SETS),
        load_default=dict,
    )
