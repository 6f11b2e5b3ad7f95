"""The routes by which a receiver looks after its stream of events (SSF 1.0 §8.1.1), and what is announced of them."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify

from broker.api import schemas
from broker.api.stream_schemas import Configuration, OneStreamQuery, StreamQuery
from broker.edge.answers import created, no_content
from broker.edge.gates import needs
from broker.edge.services import services
from broker.errors import InvalidRequest
from broker.events import streams
from broker.events.streams import Stream, Wish
from broker.events.verification import LEAST_INTERVAL
from broker.events.vocabulary import SUPPORTED, DeliveryMethod
from broker.policy.vocabulary import MachineScope

blueprint = Blueprint("streams", __name__)
well_known = Blueprint("ssf_metadata", __name__)

_OURS = ("iss", "aud", "events_supported", "events_delivered", "min_verification_interval")
_CACHED = "public, max-age=300"


@well_known.get("/ssf-configuration")
def transmitter() -> Response:
    """Answer with what this transmitter of events can do (SSF 1.0 §7.1)."""
    response = jsonify(_transmitter(services().settings.base_url))
    response.headers["Cache-Control"] = _CACHED
    return response


@blueprint.post("/streams")
def create() -> Response:
    """Make the stream of this client; each has one."""
    token = needs(MachineScope.SSF_MANAGE)
    return created(_created(token.platform_id, schemas.body(Configuration())))


@blueprint.get("/streams")
def read() -> Response:
    """Answer with the stream that is named, or with the list of all that this client has."""
    token = needs(MachineScope.SSF_READ, MachineScope.SSF_MANAGE)
    stream_id = schemas.query(StreamQuery())["stream_id"]
    with services().database.read() as session:
        if stream_id is not None:
            return jsonify(told(streams.own(session, token.platform_id, stream_id)))
        found = streams.find(session, token.platform_id)
    return jsonify([told(found)] if found else [])


@blueprint.patch("/streams")
def change() -> Response:
    """Change what is named of the stream, and leave the rest."""
    token = needs(MachineScope.SSF_MANAGE)
    return jsonify(_changed(token.platform_id, schemas.body(Configuration()), is_partial=True))


@blueprint.put("/streams")
def replace() -> Response:
    """Put another configuration in the place of the stream's; what is left out goes back to its default."""
    token = needs(MachineScope.SSF_MANAGE)
    return jsonify(_changed(token.platform_id, schemas.body(Configuration()), is_partial=False))


@blueprint.delete("/streams")
def remove() -> Response:
    """Take the stream away, with all that waits for it."""
    token = needs(MachineScope.SSF_MANAGE)
    stream_id = schemas.query(OneStreamQuery())["stream_id"]
    with services().database.write() as session:
        streams.remove(session, token.platform_id, stream_id)
    return no_content()


def told(stream: Stream) -> dict[str, Any]:
    """Return the configuration of a stream; its Authorization header is a secret, and told to nobody."""
    base_url = services().settings.base_url
    poll = f"{base_url}/ssf/streams/{stream.id}/poll"
    described = {} if stream.description is None else {"description": stream.description}
    return {
        "stream_id": stream.id,
        "iss": base_url,
        "aud": stream.receiver,
        "events_supported": [kind.value for kind in SUPPORTED],
        "events_requested": list(stream.requested),
        "events_delivered": list(stream.delivered),
        "delivery": {"method": stream.method.value, "endpoint_url": stream.endpoint or poll},
        "min_verification_interval": int(LEAST_INTERVAL.total_seconds()),
        **described,
    }


def _created(receiver: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    if "stream_id" in asked or any(name in asked for name in _OURS):
        raise InvalidRequest("Only we say the id of a stream, and what it delivers.")
    base = services()
    allowed, now = base.settings.events_allow, base.clock()
    with base.database.write() as session:
        made = streams.create(session, base.sealer, receiver, _wish(asked, Wish(), None), allowed=allowed, now=now)
    return told(made)


def _changed(receiver: str, asked: Mapping[str, Any], *, is_partial: bool) -> dict[str, Any]:
    if "stream_id" not in asked:
        raise InvalidRequest("The member stream_id is missing.")
    base, stream_id = services(), asked["stream_id"]
    with base.database.write() as session:
        present = streams.own(session, receiver, stream_id)
        if any(asked[name] != value for name, value in told(present).items() if name in _OURS and name in asked):
            raise InvalidRequest("Only we say what a stream delivers, and to whom.")
        before = Wish(present.method, present.endpoint, None, present.requested, present.description)
        wish = _wish(asked, before if is_partial else Wish(), told(present)["delivery"]["endpoint_url"])
        changed = streams.change(
            session,
            base.sealer,
            receiver,
            stream_id,
            wish,
            allowed=base.settings.events_allow,
            now=base.clock(),
            keeps_authorization=is_partial and "authorization_header" not in asked.get("delivery", {}),
        )
    return told(changed)


def _wish(asked: Mapping[str, Any], default: Wish, own_endpoint: str | None) -> Wish:
    """Read what a receiver wants; `own_endpoint` is the address where it polls now, which it may send back."""
    delivery = asked.get("delivery")
    method, endpoint, authorization = default.method, default.endpoint, default.authorization
    if delivery is not None:
        method, endpoint = DeliveryMethod(delivery["method"]), delivery.get("endpoint_url")
        authorization = delivery.get("authorization_header")
        if method is DeliveryMethod.POLL and (authorization or endpoint not in {None, own_endpoint}):
            raise InvalidRequest("Where events are polled for is ours to say, and needs no header of yours.")
    return Wish(
        method=method,
        endpoint=endpoint if method is DeliveryMethod.PUSH else None,
        authorization=authorization,
        requested=tuple(dict.fromkeys(asked.get("events_requested", default.requested))),
        description=asked.get("description", default.description),
    )


def _transmitter(base_url: str) -> dict[str, Any]:
    return {
        "spec_version": "1_0",
        "issuer": base_url,
        "jwks_uri": f"{base_url}/.well-known/jwks.json",
        "delivery_methods_supported": [method.value for method in DeliveryMethod],
        "configuration_endpoint": f"{base_url}/ssf/streams",
        "status_endpoint": f"{base_url}/ssf/streams/status",
        "verification_endpoint": f"{base_url}/ssf/streams/verify",
        "authorization_schemes": [{"spec_urn": "urn:ietf:rfc:6749"}],
        "default_subjects": "ALL",
    }
