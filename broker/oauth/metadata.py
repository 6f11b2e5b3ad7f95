"""Publishes what this server can do and signs with: RFC 8414 for the authorization server, RFC 9728 for the API."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify

from broker.edge.dpop import ALGORITHMS
from broker.edge.services import services
from broker.oauth import (
    authorize,
    details,
    grant_action,
    grant_resource,
    introspection,
    par,
    proofs,
    redirects,
    registration,
    revocation,
    schema,
    signed_introspection,
    signed_request,
    token,
)
from broker.oauth.details import TYPE
from broker.oauth.schema import bank_data_schema
from broker.policy.vocabulary import MachineScope

blueprint = Blueprint("well_known", __name__)

_CACHED = "public, max-age=300"
_POLICY = "/about/data"  # the page that says what may be asked for, and for what
# Each part stands where what it announces is done, so that nothing is announced that is not there.
_PARTS: tuple[Callable[[str], dict[str, Any]], ...] = (
    authorize.announced,
    redirects.announced,
    par.announced,
    signed_request.announced,
    details.announced,
    schema.announced,
    grant_action.announced,
    token.announced,
    proofs.announced,
    revocation.announced,
    introspection.announced,
    signed_introspection.announced,
    registration.announced,
    grant_resource.announced,
)


@blueprint.get("/oauth-authorization-server")
def authorization_server() -> Response:
    """Answer with the authorization server's metadata (RFC 8414 §3)."""
    return jsonify(_authorization_server())


@blueprint.get("/oauth-protected-resource")
def protected_resource() -> Response:
    """Answer with the API's metadata (RFC 9728 §3)."""
    return jsonify(_protected_resource())


@blueprint.get("/jwks.json")
def jwks() -> Response:
    """Answer with the keys by which clients verify what the broker signs for them (RFC 7517 §5)."""
    response = jsonify(services().signing.present().public_jwks())
    response.content_type = "application/jwk-set+json"
    # A third of the time for which the next key is published before it signs.
    response.headers["Cache-Control"] = _CACHED
    return response


@blueprint.get("/bank_data.schema.json")
def bank_data() -> Response:
    """Answer with the JSON Schema of what can be asked for (RFC 9396 §2)."""
    response = jsonify(bank_data_schema(services().catalogue))
    response.content_type = "application/schema+json"
    response.headers["Cache-Control"] = _CACHED
    return response


def _authorization_server() -> dict[str, Any]:
    base_url = services().settings.base_url
    metadata: dict[str, Any] = {
        "issuer": base_url,
        "jwks_uri": f"{base_url}/.well-known/jwks.json",
        "op_policy_uri": base_url + _POLICY,
    }
    for announced in _PARTS:
        metadata |= announced(base_url)
    return metadata


def _protected_resource() -> dict[str, Any]:
    base_url = services().settings.base_url
    return {
        "resource": base_url,
        "authorization_servers": [base_url],
        "scopes_supported": [*services().catalogue.categories, *MachineScope],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
        "dpop_bound_access_tokens_required": True,
        "authorization_details_types_supported": [TYPE],
        "resource_name": "Consent Broker",
        "resource_policy_uri": base_url + _POLICY,
    }
