"""Clients register themselves and look after their registrations (RFC 7591, RFC 7592), each act in one transaction."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, g, jsonify, request

from broker.audit.sequencer import LoggedTransaction
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.crypto.digests import new_secret
from broker.crypto.strict_json import read_object
from broker.edge.answers import no_content
from broker.edge.gates import not_registered
from broker.edge.interaction import interaction_id
from broker.edge.services import services
from broker.errors import InvalidRequest, PolicyRefused
from broker.oauth import errors
from broker.oauth.client_metadata import Limits, read_metadata, told
from broker.oauth.errors import OAuthRefused
from broker.platforms import initial_tokens
from broker.platforms import service as platforms
from broker.platforms.registration_tokens import PREFIX, Registered, entrust, entrusted
from broker.platforms.service import Platform
from broker.settings import Mode
from broker.tokens.leaving import remove_platform

blueprint = Blueprint("registration", __name__)
errors.install(blueprint)

_LARGEST_BODY = 65_536
# Only we say these (RFC 7592 §2.2), and there are no client secrets here.
_OURS = ("registration_access_token", "registration_client_uri", "client_id_issued_at", "client_secret")


@blueprint.post("/register")
def register() -> Response:
    """Register a client by an initial access token (RFC 7591 §3.1)."""
    response = _answer(*_enrol(_body()))
    response.status_code = 201
    return response


@blueprint.get("/register/<client_id>")
def read(client_id: str) -> Response:
    """Answer with what is registered (RFC 7592 §2.1)."""
    with services().database.read() as session:
        found = _own(entrusted(session, client_id, g.bearer))
    return _answer(found.platform, found.created_at, g.bearer)


@blueprint.put("/register/<client_id>")
def change(client_id: str) -> Response:
    """Put other metadata in the place of all that is registered (RFC 7592 §2.2)."""
    return _answer(*_changed(client_id, _body()))


@blueprint.delete("/register/<client_id>")
def leave(client_id: str) -> Response:
    """Remove the client, its tokens and, soon after, its grants (RFC 7592 §2.3)."""
    base = services()
    with base.sequencer.transaction([None], from_reserve=True) as transaction:
        _own(entrusted(transaction.session, client_id, g.bearer))
        by, now = Initiator.DATA_RECIPIENT, base.clock()
        remove_platform(transaction, client_id, by, now, interaction_id=interaction_id())
    return no_content()


def announced(base_url: str) -> dict[str, Any]:
    """Return what the metadata says of this endpoint (RFC 8414 §2)."""
    return {"registration_endpoint": f"{base_url}/oauth/register"}


def _enrol(asked: Mapping[str, Any]) -> tuple[Platform, datetime, str]:
    base, now = services(), services().clock()
    # With its prefix no id of ours is like that of a person (RFC 9700 §4.15.1).
    client_id, secret = f"c_{secrets.token_urlsafe(16)}", new_secret(PREFIX)
    with base.sequencer.transaction([None]) as transaction:
        by = initial_tokens.use(transaction.session, g.bearer, now)
        if by is None:  # another client was quicker
            raise not_registered()
        platform = _read(asked, client_id, Limits(frozenset(by.purposes), frozenset(by.scopes)))
        _store(transaction, platform, secret, by.id, now)
    return platform, now, secret


def _changed(client_id: str, asked: Mapping[str, Any]) -> tuple[Platform, datetime, str]:
    base = services()
    if asked.get("client_id") != client_id or any(asked.get(name) is not None for name in _OURS):
        raise OAuthRefused("invalid_client_metadata", "Send your client_id, and nothing that only the server says.")
    with base.sequencer.transaction([None]) as transaction:
        found = _own(entrusted(transaction.session, client_id, g.bearer))
        platform = _read(asked, client_id, Limits(found.purposes, found.scopes))
        _store(transaction, platform, g.bearer, found.registered_by, base.clock())
    return platform, found.created_at, g.bearer


def _read(asked: Mapping[str, Any], client_id: str, limits: Limits) -> Platform:
    return read_metadata(asked, client_id, limits, http_loopback=services().settings.mode is Mode.SANDBOX)


def _store(transaction: LoggedTransaction, platform: Platform, secret: str, by: str | None, now: datetime) -> None:
    http_loopback = services().settings.mode is Mode.SANDBOX
    try:
        platforms.add(transaction.session, services().catalogue, platform, http_loopback=http_loopback, now=now)
    except (InvalidRequest, PolicyRefused) as error:
        raise OAuthRefused("invalid_client_metadata", error.detail) from error
    entrust(transaction.session, platform.id, secret, registered_by=by)
    registered, by_client = Event.PLATFORM_REGISTERED, Initiator.DATA_RECIPIENT
    transaction.append(Entry(registered, by_client, platform_id=platform.id, interaction_id=interaction_id()))


def _own(found: Registered | None) -> Registered:
    if found is None:
        raise not_registered()
    return found


def _body() -> dict[str, Any]:
    """Read the posted metadata.

    Raises:
        OAuthRefused: not an object of strict JSON, labelled as JSON, of at most 64 KiB.
    """
    data = request.get_data()
    try:
        # An escaped NUL is JSON, and no text that a database takes.
        if request.mimetype == "application/json" and len(data) <= _LARGEST_BODY and b"\\u0000" not in data:
            return read_object(data)
    except ValueError as error:
        raise OAuthRefused("invalid_client_metadata", "The body is not one strict JSON object.") from error
    raise OAuthRefused("invalid_client_metadata", "The body must be application/json of at most 64 KiB.")


def _answer(platform: Platform, created_at: datetime, secret: str) -> Response:
    """Tell what is registered, and with what it is looked after (RFC 7592 §3)."""
    managed = {
        "registration_access_token": secret,
        "registration_client_uri": f"{services().settings.base_url}/oauth/register/{platform.id}",
    }
    response = jsonify(told(platform, created_at) | managed)
    response.headers["Cache-Control"] = "no-store"
    return response
