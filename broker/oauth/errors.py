"""OAuth's own error shapes, and the only table from domain errors to them (RFC 6749 §5.2)."""

import structlog
from authlib.oauth2.base import OAuth2Error, invalid_error_characters
from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from broker.edge.nonces import HEADER as NONCE_HEADER
from broker.errors import (
    BrokerError,
    ConsentRefused,
    CredentialRefused,
    InvalidRequest,
    LogUnavailable,
    NotFound,
    PolicyRefused,
    ProofNonceNeeded,
    ProofRefused,
    ScopeMissing,
    StorageUnavailable,
    TokenRefused,
)
from broker.telemetry import add_facts

_log = structlog.get_logger(__name__)

TABLE: dict[type[BrokerError], tuple[int, str]] = {
    InvalidRequest: (400, "invalid_request"),
    NotFound: (400, "invalid_request"),
    ProofNonceNeeded: (400, "use_dpop_nonce"),
    ProofRefused: (400, "invalid_dpop_proof"),
    ScopeMissing: (400, "invalid_scope"),
    TokenRefused: (400, "invalid_grant"),
    CredentialRefused: (401, "invalid_token"),
    ConsentRefused: (400, "invalid_grant"),
    PolicyRefused: (400, "invalid_authorization_details"),
    StorageUnavailable: (503, "temporarily_unavailable"),
    LogUnavailable: (503, "temporarily_unavailable"),
    BrokerError: (500, "server_error"),
}
STATUS = {"invalid_client": 401}
"""The errors of OAuth that have a status of their own; every other is 400."""
_SCHEMES = {"bearer": "Bearer", "digest": "Digest", "dpop": "DPoP"}
_QUOTES = '"\u2018\u2019\u201c\u201d'
_UNAVAILABLE = 503
_TOO_LARGE = 413


class OAuthRefused(OAuth2Error):  # type: ignore[misc]  # Authlib publishes no types
    """An error of OAuth's list, told to the client. `code` is the broker's own, finer word for it."""

    def __init__(self, error: str, description: str, *, code: str | None = None) -> None:
        super().__init__(description=plain(description), error=error, status_code=STATUS.get(error, 400))
        self.code = code


def plain(text: str) -> str:
    """Replace what an `error_description` must not hold (RFC 6749 §4.1.2.1)."""
    for character in invalid_error_characters(text):
        text = text.replace(character, "'" if character in _QUOTES else " ")
    return text


def install(blueprint: Blueprint) -> None:
    """Answer every error of these endpoints as JSON; those of the browser's endpoints are pages, made elsewhere."""
    blueprint.register_error_handler(OAuth2Error, _refused)
    blueprint.register_error_handler(BrokerError, _broker_error)
    blueprint.register_error_handler(HTTPException, _http_error)


def _refused(error: OAuthRefused) -> Response:
    response = _told(error.status_code, error.error, error.description, error.code)
    if error.error == "invalid_client" and "Authorization" in request.headers:
        # The scheme that was tried (RFC 6749 §5.2); what we do not know is answered like a password.
        tried = request.headers["Authorization"].partition(" ")[0].lower()
        response.headers["WWW-Authenticate"] = f'{_SCHEMES.get(tried, "Basic")} realm="clients"'
    return response


def _broker_error(error: BrokerError) -> Response:
    status, name = next(TABLE[kind] for kind in type(error).__mro__ if kind in TABLE)
    if status == TABLE[BrokerError][0]:
        return _told(status, name, BrokerError.detail, BrokerError.code)
    response = _told(status, name, plain(error.detail), error.code)
    if isinstance(error, ProofNonceNeeded):
        response.headers[NONCE_HEADER] = error.nonce  # RFC 9449 §8
    if isinstance(error, CredentialRefused):
        # Who has sent no token is told no error (RFC 6750 §3.1).
        reason = ', error="invalid_token"' if "Authorization" in request.headers else ""
        response.headers["WWW-Authenticate"] = f'Bearer realm="registration"{reason}'
    return response


def _http_error(error: HTTPException) -> Response:
    status = _TOO_LARGE if error.code == _TOO_LARGE else 400
    return _told(status, "invalid_request", "The request cannot be read.", None)


def _told(status: int, error: str, description: str, code: str | None) -> Response:
    add_facts(code=code or error)
    _log.info("oauth.refused", error=error, status=status)
    body = {"error": error, "error_description": description}
    response = jsonify(body | {"code": code} if code else body)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    if status == _UNAVAILABLE:
        response.headers["Retry-After"] = "5"
    return response
