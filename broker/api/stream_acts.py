"""The routes by which a receiver stops and starts its stream, has it verified, and polls for events (RFC 8936)."""

import time
from collections.abc import Mapping
from threading import BoundedSemaphore
from typing import Any, Final

from flask import Blueprint, Response, jsonify

from broker.api import schemas
from broker.api.stream_schemas import OneStreamQuery, Poll, Status, Verification
from broker.edge.answers import no_content
from broker.edge.gates import needs
from broker.edge.services import Services, services
from broker.errors import InvalidRequest
from broker.events import polling, streams
from broker.events.polling import Polled
from broker.events.set_tokens import EventSigner
from broker.events.streams import Stream
from broker.events.verification import verify as send_verification
from broker.events.vocabulary import DeliveryMethod, StreamStatus
from broker.policy.vocabulary import MachineScope

blueprint = Blueprint("stream_acts", __name__)

_MOST_AT_ONCE: Final = 100
_LONGEST_WAIT_S: Final = 5.0
_LOOK_S: Final = 0.5
# Who waits for events holds a thread of the server: two in each process, everybody else is answered at once.
_WAITING = BoundedSemaphore(2)


@blueprint.get("/streams/status")
def status() -> Response:
    """Say whether events flow."""
    token = needs(MachineScope.SSF_READ, MachineScope.SSF_MANAGE)
    stream_id = schemas.query(OneStreamQuery())["stream_id"]
    with services().database.read() as session:
        return jsonify(_status(streams.own(session, token.platform_id, stream_id)))


@blueprint.post("/streams/status")
def set_status() -> Response:
    """Let events flow, wait, or be dropped."""
    token = needs(MachineScope.SSF_MANAGE)
    asked, now = schemas.body(Status()), services().clock()
    wanted, reason = StreamStatus(asked["status"]), asked["reason"]
    with services().database.write() as session:
        found = streams.set_status(session, token.platform_id, asked["stream_id"], wanted, reason=reason, now=now)
    return jsonify(_status(found))


@blueprint.post("/streams/verify")
def verify() -> Response:
    """Send an event that shows that the stream works."""
    token = needs(MachineScope.SSF_MANAGE, MachineScope.SSF_READ)
    asked = schemas.body(Verification())
    with services().database.write() as session:
        send_verification(session, token.platform_id, asked["stream_id"], asked["state"], services().clock())
    return no_content()


@blueprint.post("/streams/<stream_id>/poll")
def poll(stream_id: str) -> Response:
    """Give the next events, each a signed token by its id, and take back what became of those given before."""
    token = needs(MachineScope.SSF_READ, MachineScope.SSF_MANAGE)
    found = _polled(token.platform_id, stream_id, schemas.body(Poll()))
    response = jsonify({"sets": dict(found.sets), "moreAvailable": found.more_available})
    response.headers["Cache-Control"] = "no-store"
    return response


def _status(stream: Stream) -> dict[str, Any]:
    told = {"stream_id": stream.id, "status": stream.status.value}
    return told | ({"reason": stream.status_reason} if stream.status_reason else {})


def _polled(receiver: str, stream_id: str, asked: Mapping[str, Any]) -> Polled:
    base = services()
    with base.database.write() as session:
        found = streams.own(session, receiver, stream_id)
        if found.method is not DeliveryMethod.POLL:
            raise InvalidRequest("Events of this stream are pushed.", code="stream-not-polled")
        now, wall = base.clock(), base.wall()
        polling.settle(session, stream_id, asked["acknowledged"], asked["refused"], now=now, wall=wall)
    most = min(asked["max_events"], _MOST_AT_ONCE)
    polled = _next(base, stream_id, most)
    if polled.sets or not most or asked["return_immediately"] or not _WAITING.acquire(blocking=False):
        return polled
    try:
        return _awaited(base, stream_id, most)
    finally:
        _WAITING.release()


def _awaited(base: Services, stream_id: str, most: int) -> Polled:
    """Wait a moment for an event (RFC 8936 §2.4.1, long polling); no transaction is open meanwhile."""
    until = time.monotonic() + _LONGEST_WAIT_S
    while True:
        time.sleep(_LOOK_S)
        polled = _next(base, stream_id, most)
        if polled.sets or time.monotonic() >= until:
            return polled


def _next(base: Services, stream_id: str, most: int) -> Polled:
    signer = EventSigner(base.settings.base_url, base.signing.present, base.wall)
    with base.database.write() as session:
        return polling.fetch(session, signer, stream_id, most, now=base.clock(), wall=base.wall())
