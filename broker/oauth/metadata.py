"""Publishes what this server can do: RFC 8414 for the authorization server, RFC 9728 for the API."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify

from broker.edge.dpop import ALGORITHMS
from broker.edge.services import services
from broker.oauth import (
    authorize,
    details,
    grant_resource,
    introspection,
    par,
    proofs,
    redirects,
    registration,
    revocation,
    token,
)
from broker.oauth.details import TYPE
from broker.policy.vocabulary import MachineScope

blueprint = Blueprint("well_known", __name__)

# Each part stands where what it announces is done, so that nothing is announced that is not there.
_PARTS: tuple[Callable[[str], dict[str, Any]], ...] = (
    authorize.announced,
    redirects.announced,
    par.announced,
    details.announced,
    token.announced,
    proofs.announced,
    revocation.announced,
    introspection.announced,
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


def _authorization_server() -> dict[str, Any]:
    base_url = services().settings.base_url
    metadata: dict[str, Any] = {"issuer": base_url}
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
    }
