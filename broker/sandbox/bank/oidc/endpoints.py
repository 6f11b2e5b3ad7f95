"""The provider's endpoints for programs: metadata, keys, token, revocation, userinfo."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from broker.sandbox.bank.context import bank
from broker.sandbox.bank.data.access import Refused, bearer
from broker.sandbox.bank.oidc.client import AUTH_METHOD
from broker.sandbox.bank.oidc.identity import claims_of
from broker.sandbox.bank.oidc.request import is_well_formed
from broker.sandbox.bank.oidc.scopes import scopes_of

blueprint = Blueprint("oidc", __name__)


@blueprint.get("/.well-known/openid-configuration")
def metadata() -> Response:
    """Answer what the provider can do (OIDC Discovery §3)."""
    return jsonify(_metadata())


@blueprint.get("/jwks")
def jwks() -> Response:
    """Answer the keys that check ID tokens."""
    return jsonify(bank().keys.public_jwks())


@blueprint.post("/token")
def token() -> Response:
    """Answer a code or a refresh token with tokens (RFC 6749 §3.2)."""
    if not is_well_formed(request.form):
        return _malformed()
    response: Response = bank().provider.create_token_response()
    return response


@blueprint.post("/revoke")
def revoke() -> Response:
    """End tokens (RFC 7009)."""
    if not is_well_formed(request.form):
        return _malformed()
    response: Response = bank().provider.create_endpoint_response("revocation")
    return response


@blueprint.route("/userinfo", methods=["GET", "POST"])
def userinfo() -> Response:
    """Answer who the token stands for (OIDC Core §5.3)."""
    facts, person = bearer("openid")
    return jsonify(claims_of(person, facts.scope))


@blueprint.errorhandler(Refused)
def refused(refusal: Refused) -> Response:
    """Answer a token that is not good enough (RFC 6750 §3.1)."""
    body = jsonify({"error": refusal.error, "error_description": refusal.message})
    body.status_code = refusal.status
    body.headers["WWW-Authenticate"] = refusal.challenge
    return body


def _malformed() -> Response:
    response = jsonify({"error": "invalid_request", "error_description": "A parameter is repeated or malformed."})
    response.status_code = 400
    return response


def _metadata() -> dict[str, Any]:
    base = bank().config.base_url
    return {
        "issuer": base,
        "authorization_endpoint": f"{base}/authorize",
        "token_endpoint": f"{base}/token",
        "jwks_uri": f"{base}/jwks",
        "userinfo_endpoint": f"{base}/userinfo",
        "revocation_endpoint": f"{base}/revoke",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": [AUTH_METHOD],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
        "revocation_endpoint_auth_methods_supported": [AUTH_METHOD],
        "revocation_endpoint_auth_signing_alg_values_supported": ["ES256"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "scopes_supported": list(scopes_of(bank().config.standard)),
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "name", "role"],
        "prompt_values_supported": ["none", "login"],
        "authorization_response_iss_parameter_supported": True,
    }
