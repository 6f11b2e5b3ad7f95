"""The sign-in page: every authorization request asks for username and password, and nobody stays signed in."""

from typing import Any
from urllib.parse import urlsplit

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import OAuth2Error
from flask import Blueprint, Response, g, make_response, render_template, request

from broker.sandbox.bank import clock
from broker.sandbox.bank.context import bank
from broker.sandbox.bank.logins import Person, identify
from broker.sandbox.bank.oidc.request import is_well_formed
from broker.sandbox.bank.oidc.scopes import IDENTITY
from broker.sandbox.bank.throttle import SECONDS

blueprint = Blueprint("sign_in", __name__)

_LONGEST_USERNAME = 64
_LONGEST_PASSWORD = 256
_WRONG = "That username and password do not match. Check both and try again."
_CLOSED = "Too many wrong tries for this username. Wait a minute, then try again."


class UnsafeRequest(Exception):
    """The request names no client or no redirect URI that can be trusted, so nobody is sent anywhere."""


@blueprint.get("/authorize")
def ask() -> Response:
    """Show the sign-in page of one authorization request."""
    try:
        return _page(_grant())
    except OAuth2Error as error:
        return _back_with(error)


@blueprint.post("/authorize")
def answer() -> Response:
    """Take username and password, or a no, and send the browser back to the client."""
    try:
        grant = _grant()
    except OAuth2Error as error:
        return _back_with(error)
    if "cancel" in request.form:
        return _back(grant, None)
    return _sign_in(grant)


@blueprint.errorhandler(UnsafeRequest)
def unsafe(_error: UnsafeRequest) -> Response:
    """Explain, without redirecting, that the request cannot be trusted (RFC 6749 §4.1.2.1)."""
    text = "The service that sent you here is not registered with us, or its request was damaged on the way."
    return make_response(render_template("message.html", title="We cannot continue", text=text), 400)


def _grant() -> Any:
    client = bank().provider.query_client(request.args.get("client_id", ""))
    redirect_uri = request.args.get("redirect_uri", "")
    if client is None or not client.check_redirect_uri(redirect_uri) or not is_well_formed(request.args):
        raise UnsafeRequest
    parts = urlsplit(redirect_uri)
    # Chromium applies form-action to the redirect that follows the form as well.
    g.form_target = f"{parts.scheme}://{parts.netloc}"
    return bank().provider.get_consent_grant()


def _sign_in(grant: Any) -> Response:
    username = request.form.get("username", "").strip()[:_LONGEST_USERNAME]
    password = request.form.get("password", "")[:_LONGEST_PASSWORD]
    if bank().throttle.is_closed(username, clock.epoch()):
        response = _page(grant, username, _CLOSED, 429)
        response.headers["Retry-After"] = str(SECONDS)
        return response
    with bank().sessions() as session:
        person = identify(session, username, password)
    if person is None:
        bank().throttle.count_wrong(username, clock.epoch())
        return _page(grant, username, _WRONG, 400)
    bank().throttle.clear(username)
    # Before any data is asked for: a balance is not to wait for the books.
    bank().customers.keep_books(person.subject, clock.now().date())
    return _back(grant, person)


def _page(grant: Any, username: str = "", error: str | None = None, status: int = 200) -> Response:
    asks_data = not set(grant.request.payload.scope.split()) <= set(IDENTITY)
    client = grant.request.client.name
    page = render_template("sign_in.html", client=client, asks_data=asks_data, username=username, error=error)
    return make_response(page, status)


def _back(grant: Any, person: Person | None) -> Response:
    response = bank().provider.create_authorization_response(grant_user=person, grant=grant)
    return _with_issuer(response.headers["Location"])


def _back_with(error: OAuth2Error) -> Response:
    redirect_uri = request.args["redirect_uri"]
    body = [(name, value) for name, value in error.get_body() if name != "state"]
    if "state" in request.args:
        body.append(("state", request.args["state"]))
    return _with_issuer(add_params_to_uri(redirect_uri, body))


def _with_issuer(location: str) -> Response:
    # 303, so that no browser repeats the form (RFC 9700 §4.12), and the issuer in every answer (RFC 9207 §2).
    response = make_response("", 303)
    response.headers["Location"] = add_params_to_uri(location, [("iss", bank().config.base_url)])
    return response
