"""The endpoints: `blueprint` for clients, whose errors are JSON, `browser` for people, whose errors are pages."""

from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.wrappers import Response as AnyResponse

from broker.edge.answers import see_other
from broker.oauth import errors
from broker.oauth.answer import bring
from broker.oauth.authorize import arrive
from broker.oauth.form import asked, posted
from broker.oauth.introspection import introspect
from broker.oauth.par import push
from broker.oauth.revocation import revoke
from broker.oauth.signed_introspection import answered
from broker.oauth.token import redeem

blueprint = Blueprint("oauth", __name__)
browser = Blueprint("oauth_browser", __name__)
errors.install(blueprint)


@blueprint.post("/par")
def par() -> Response:
    """Take a pushed authorization request (RFC 9126 §2)."""
    return _private(push(posted()), 201)


@blueprint.post("/token")
def token() -> Response:
    """Redeem a code or a refresh token (RFC 6749 §3.2)."""
    return _private(redeem(posted()))


@blueprint.post("/revoke")
def revoke_token() -> Response:
    """End a token (RFC 7009 §2)."""
    revoke(posted())
    return _private({})


@blueprint.post("/introspect")
def introspect_token() -> Response:
    """Tell what a token is worth (RFC 7662 §2, RFC 9701 §4)."""
    return answered(introspect(posted()))


@browser.get("/authorize")
def authorize() -> AnyResponse:
    """Receive a browser with a request_uri (RFC 9126 §4)."""
    _refuse_head()
    return see_other(arrive(asked()))


@browser.get("/authorize/answer")
def answer() -> AnyResponse:
    """Send the browser back to the platform with the decision (RFC 6749 §4.1.2)."""
    _refuse_head()
    return see_other(bring(asked()))


def _refuse_head() -> None:
    """Refuse what comes with every GET route: a preview must not bind a request or spend its answer."""
    if request.method == "HEAD":
        raise MethodNotAllowed(["GET"])


def _private(body: dict[str, Any], status: int = 200) -> Response:
    response = jsonify(body)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response
