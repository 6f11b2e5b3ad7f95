"""Publishes what this server can do: RFC 8414 for the authorization server, RFC 9728 for the API."""

from typing import Any

from flask import Blueprint, Response, jsonify

from broker.edge.dpop import ALGORITHMS
from broker.edge.services import services
from broker.oauth.details import TYPE

blueprint = Blueprint("well_known", __name__)

_AUTHENTICATED = ("token_endpoint", "revocation_endpoint", "introspection_endpoint")


@blueprint.get("/oauth-authorization-server")
def authorization_server() -> Response:
    """Answer with the authorization server's metadata (RFC 8414 §3)."""
    return jsonify(_authorization_server())


@blueprint.get("/oauth-protected-resource")
def protected_resource() -> Response:
    """Answer with the API's metadata (RFC 9728 §3)."""
    return jsonify(_protected_resource())


def _authorization_server() -> dict[str, Any]:
    base_url, algorithms = services().settings.base_url, list(ALGORITHMS)
    metadata: dict[str, Any] = {
        "issuer": base_url,
        "authorization_endpoint": f"{base_url}/oauth/authorize",
        "pushed_authorization_request_endpoint": f"{base_url}/oauth/par",
        "require_pushed_authorization_requests": True,
        "token_endpoint": f"{base_url}/oauth/token",
        "revocation_endpoint": f"{base_url}/oauth/revoke",
        "introspection_endpoint": f"{base_url}/oauth/introspect",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": algorithms,
        "authorization_details_types_supported": [TYPE],
        "scopes_supported": list(services().catalogue.categories),
        "authorization_response_iss_parameter_supported": True,
        "request_parameter_supported": False,
    }
    for endpoint in _AUTHENTICATED:
        metadata[f"{endpoint}_auth_methods_supported"] = ["private_key_jwt"]
        metadata[f"{endpoint}_auth_signing_alg_values_supported"] = algorithms
    return metadata


def _protected_resource() -> dict[str, Any]:
    base_url = services().settings.base_url
    return {
        "resource": base_url,
        "authorization_servers": [base_url],
        "scopes_supported": list(services().catalogue.categories),
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
        "dpop_bound_access_tokens_required": True,
        "authorization_details_types_supported": [TYPE],
    }
