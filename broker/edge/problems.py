"""The only table from domain errors to HTTP, and how an error is told: problem+json (RFC 9457) or a page."""

import json
from typing import Any

import structlog
from flask import Flask, Response, g, make_response, render_template, request
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from broker.edge.dpop import ALGORITHMS
from broker.edge.interaction import interaction_id
from broker.edge.nonces import HEADER as NONCE_HEADER
from broker.edge.services import services
from broker.edge.visitor import has_closed, visitor_for_error
from broker.edge.ways_back import way_on
from broker.edge.wording import told
from broker.errors import (
    AlertRefused,
    AlreadyThere,
    BankInvalidAnswer,
    BankRefusedReceipt,
    BankSignInNeeded,
    BankTimeout,
    BankUnavailable,
    BrokerError,
    ConfigurationInvalid,
    ConsentRefused,
    CredentialRefused,
    FormExpired,
    FrequencyExceeded,
    InvalidRequest,
    LogUnavailable,
    NotFound,
    NotPermitted,
    NotReady,
    PasskeyRefused,
    PolicyRefused,
    ProofNonceNeeded,
    ProofRefused,
    ReleaseRefused,
    ScopeMissing,
    SignInRefused,
    SignInRequired,
    StorageConflict,
    StorageUnavailable,
    TokenRefused,
    TooManyCalls,
)
from broker.telemetry import add_facts

_log = structlog.get_logger(__name__)

TABLE: dict[type[BrokerError], tuple[int, str]] = {
    InvalidRequest: (400, "The request is not well formed"),
    NotFound: (404, "Not found"),
    TokenRefused: (401, "The access token is not valid"),
    CredentialRefused: (401, "An audit credential is needed"),
    ProofRefused: (401, "The DPoP proof is not valid"),
    ProofNonceNeeded: (401, "The DPoP proof needs a nonce"),
    ScopeMissing: (403, "Not within the token's scope"),
    ReleaseRefused: (403, "Not shared"),
    FrequencyExceeded: (429, "Too often today"),
    TooManyCalls: (429, "Too often"),
    AlreadyThere: (409, "There is one already"),
    AlertRefused: (403, "Not passed on"),
    PolicyRefused: (403, "Not allowed"),
    ConsentRefused: (409, "Not possible any more"),
    SignInRequired: (401, "Please sign in"),
    SignInRefused: (403, "Sign-in did not work"),
    PasskeyRefused: (403, "The passkey did not work"),
    NotPermitted: (403, "Not for you"),
    FormExpired: (400, "This form has expired"),
    BankUnavailable: (503, "The bank cannot be reached"),
    BankTimeout: (504, "The bank did not answer in time"),
    BankInvalidAnswer: (502, "The bank's answer could not be used"),
    BankSignInNeeded: (503, "The bank asks for a new sign-in"),
    BankRefusedReceipt: (502, "The bank did not accept the receipt"),
    LogUnavailable: (503, "The audit log is not available"),
    StorageUnavailable: (503, "The broker is not available"),
    StorageConflict: (503, "The broker is not available"),
    NotReady: (503, "The broker is not ready"),
    ConfigurationInvalid: (500, "The broker is not set up correctly"),
    BrokerError: (500, "Something went wrong"),
}
_HTTP: dict[int, tuple[str, str]] = {
    400: ("invalid-request", "The request cannot be read."),
    404: ("not-found", "There is nothing at this address. It may be mistyped, or the link may be old."),
    405: ("method-not-allowed", "This address does not take this kind of request."),
    413: ("body-too-large", "The request is too large."),
    415: ("content-type-not-supported", "The request's content type is not understood here."),
}
_HTTP_OTHER = ("request-refused", "The request was refused.")
_OUR_SIDE, _UNAVAILABLE = 500, 503
_OF_STORAGE = (StorageUnavailable, LogUnavailable, NotReady, ConfigurationInvalid)
"""What fails because the database does: the page that says so asks it nothing."""
_PROGRAMS = (
    "/oauth/par",
    "/oauth/token",
    "/oauth/revoke",
    "/oauth/introspect",
    "/oauth/register",
    "/audit/",
    "/healthz",
    "/readyz",
)
_NO_TOKEN = "token-missing"  # noqa: S105 - the code of an error, not a secret


def status_of(error: BrokerError) -> tuple[int, str]:
    """Return the HTTP status and the title of an error: the nearest class in the table counts."""
    return next(TABLE[kind] for kind in type(error).__mro__ if kind in TABLE)


def install(app: Flask) -> None:
    """Answer every error of the application; what is not known is told as an id and nothing else."""
    app.register_error_handler(BrokerError, _broker_error)
    app.register_error_handler(
        CSRFError, lambda _error: _broker_error(account_closed() if has_closed() else FormExpired())
    )
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unknown_error)


def account_closed() -> SignInRequired:
    """Return what a browser is told in which the account was closed while a page of it stood open."""
    return SignInRequired(
        "You have closed your account in this browser. Nothing was shared or changed by this page.", code="user-left"
    )


def _broker_error(error: BrokerError) -> Response:
    status, title = status_of(error)
    # The detail of a refusal can name what the caller sent; that of a failure on our side cannot.
    add_facts(code=error.code, detail=error.detail if status >= _OUR_SIDE else None)
    _log.info("request.refused", status=status)
    response = _told(status, title, error, may_ask=not isinstance(error, _OF_STORAGE))
    if status == _UNAVAILABLE:
        response.headers["Retry-After"] = "5"
    if isinstance(error, FrequencyExceeded):
        response.headers["Retry-After"] = str(error.retry_after_s)
    if _is_api():
        _challenge(response, error)
    if isinstance(error, CredentialRefused):
        response.headers["WWW-Authenticate"] = 'Bearer realm="audit"'  # RFC 6750 §3
    return response


def _http_error(error: HTTPException) -> Response:
    cause = getattr(error, "original_exception", None)
    if cause is not None:  # raised while the session was opened or stored, outside Flask's own dispatch
        return _broker_error(cause) if isinstance(cause, BrokerError) else _unknown_error(cause)
    status = error.code or 500
    code, detail = _HTTP.get(status, _HTTP_OTHER)
    add_facts(code=code)
    _log.info("request.refused", status=status)
    response = _told(status, error.name.capitalize(), BrokerError(detail, code=code), may_ask=status < _OUR_SIDE)
    if status == 405 and "Allow" in (headers := error.get_response().headers):  # noqa: PLR2004 - Method Not Allowed
        response.headers["Allow"] = headers["Allow"]
    return response


def _unknown_error(error: Exception) -> Response:
    add_facts(code=BrokerError.code)
    _log.error("request.failed", exc_info=error)
    return _told(500, TABLE[BrokerError][1], BrokerError(), may_ask=False)


def _told(status: int, title: str, error: BrokerError, *, may_ask: bool) -> Response:
    if wants_json():
        body: dict[str, Any] = {"title": title, "status": status, "code": error.code, "detail": error.detail}
        if error.rule is not None:
            body["rule"] = error.rule
        body["instance"] = f"urn:uuid:{interaction_id()}"
        response = make_response(json.dumps(body), status)
        response.content_type = "application/problem+json"
        return response
    who = visitor_for_error(may_ask=may_ask)
    facts = {"code": error.code, "detail": told(error), "interaction_id": interaction_id(), "again": way_on()}
    return make_response(render_template("problem.html", title=gettext(title), signed_in=lambda: who, **facts), status)


def wants_json() -> bool:
    """Say whether the caller is a program: it calls the API, or asks for JSON before HTML."""
    if _is_api() or request.path.startswith(_PROGRAMS):
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json"], default="text/html")
    return best == "application/json"


def _is_api() -> bool:
    # With a slash at its end, because what lies above the addresses of an API is asked for by programs too.
    return f"{request.path}/".startswith(("/v1/", "/.well-known/", "/oauth/grants/", "/ssf/"))


def _challenge(response: Response, error: BrokerError) -> None:
    """Say what is missing in `WWW-Authenticate` (RFC 6750 §3, RFC 9449 §7.1, RFC 9728 §5.1)."""
    parts = [f'algs="{" ".join(ALGORITHMS)}"']
    if isinstance(error, ProofNonceNeeded):
        parts.append('error="use_dpop_nonce"')  # RFC 9449 §9
        response.headers[NONCE_HEADER] = error.nonce
    elif isinstance(error, ProofRefused):
        parts.append('error="invalid_dpop_proof"')
    elif isinstance(error, TokenRefused) and error.code != _NO_TOKEN:
        parts.append('error="invalid_token"')
    elif isinstance(error, ReleaseRefused):
        parts += ['error="insufficient_scope"', f'scope="{g.category}"']
    elif isinstance(error, ScopeMissing):
        parts += ['error="insufficient_scope"', f'scope="{error.scope}"']
    elif not isinstance(error, TokenRefused):
        return
    base_url = services().settings.base_url
    parts.append(f'resource_metadata="{base_url}/.well-known/oauth-protected-resource"')
    response.headers["WWW-Authenticate"] = "DPoP " + ", ".join(parts)
