"""The address to which the broker pushes events (RFC 8935): checks each, keeps it, and says 202; acts later."""

import hmac
import logging
from dataclasses import dataclass, field
from typing import cast

from flask import Blueprint, Response, current_app, jsonify, request

from broker.sandbox.messenger.store.inbox import Inbox

from .issuer_keys import KeysUnavailableError
from .tokens import LARGEST, TYP, NotTakenError, TokenCheck
from .worker import Worker

receiver = Blueprint("events", __name__)
log = logging.getLogger("messenger.events")


@dataclass(frozen=True, slots=True)
class Reception:
    """What the receiver needs. `authorization` is the header that the stream was registered with."""

    authorization: str = field(repr=False)
    check: TokenCheck
    inbox: Inbox
    worker: Worker


@receiver.post("/events")
def take() -> Response:
    """Take one event; one that has come before is taken again, and nothing follows from it."""
    reception = cast("Reception", current_app.extensions["messenger-events"])
    try:
        event = reception.check.read(_body(reception.authorization))
    except NotTakenError as refusal:
        log.warning("an event was refused: %s", refusal.err)
        return _answer(400, refusal)
    except KeysUnavailableError:
        return Response(status=503)  # neither right nor wrong: it is to be sent again
    if reception.inbox.put(event):
        reception.worker.wake()
    return Response(status=202)


def _body(authorization: str) -> bytes:
    """Return the token of a request that is the broker's to make.

    Raises:
        NotTakenError: the header is wrong, or the body no token by its size or its kind.

    """
    given = request.headers.get("Authorization", "")
    if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), authorization.encode()):
        raise NotTakenError("authentication_failed", "The Authorization header is not that of this stream.")
    if request.mimetype != f"application/{TYP}":
        raise NotTakenError("invalid_request", f"The content type must be application/{TYP}.")
    if request.content_length is None or request.content_length > LARGEST:
        raise NotTakenError("invalid_request", f"A token has at most {LARGEST} bytes, and its length is said.")
    return request.get_data()


def _answer(status: int, refusal: NotTakenError) -> Response:
    response = jsonify({"err": refusal.err, "description": refusal.description})
    response.status_code = status
    response.headers["Content-Language"] = "en"
    return response
