"""Shows a platform its own grants and lets it give them back (Grant Management for OAuth 2.0 draft 03 §6)."""

from typing import Any

from flask import Blueprint, Response, jsonify

from broker.clock import rfc3339
from broker.edge.answers import no_content
from broker.edge.gates import needs
from broker.edge.interaction import interaction_id
from broker.edge.services import services
from broker.errors import NotFound
from broker.grants.acts import PlatformActor
from broker.grants.views import Grant
from broker.oauth.grant_action import ACTIONS, GRANT_ID
from broker.oauth.granted import details_of, standing_accounts, standing_categories
from broker.policy.vocabulary import MachineScope

blueprint = Blueprint("grant_resource", __name__)


@blueprint.get("/grants/<grant_id>")
def query(grant_id: str) -> Response:
    """Answer with one grant of the platform, living or ended."""
    token = needs(MachineScope.GRANT_QUERY)
    return jsonify(_told(_own_grant(token.platform_id, _checked(grant_id))))


@blueprint.delete("/grants/<grant_id>")
def give_back(grant_id: str) -> Response:
    """End one grant of the platform; the answer is the same when it has ended already."""
    token = needs(MachineScope.GRANT_REVOKE)
    services().grants.give_back(PlatformActor(token.platform_id, interaction_id()), _checked(grant_id))
    return no_content()


def announced(base_url: str) -> dict[str, Any]:
    """Return what the metadata says of this endpoint (Grant Management for OAuth 2.0 draft 03 §7)."""
    return {
        "grant_management_endpoint": f"{base_url}/oauth/grants",
        "grant_management_actions_supported": ["query", "revoke", *ACTIONS],
    }


def _checked(grant_id: str) -> str:
    if not GRANT_ID.fullmatch(grant_id):
        raise NotFound
    return grant_id


def _own_grant(platform_id: str, grant_id: str) -> Grant:
    """Return the platform's grant; a proposal is none yet, and another platform's is as if there were none."""
    with services().database.read() as session:
        grant = services().grant_reader.find(session, grant_id, services().clock())
    if grant is None or grant.platform_id != platform_id or grant.authorised_at is None:
        raise NotFound
    return grant


def _told(grant: Grant) -> dict[str, Any]:
    """Tell what stands; of a grant that has ended nothing does."""
    names = () if grant.status.is_final else standing_categories(grant)
    details = details_of(grant, names, standing_accounts(grant)) if names else []
    resources = [services().settings.base_url]
    return {
        "grant_id": grant.id,
        "version": grant.version,
        "status": grant.status.value,
        "status_reason": grant.status_code,
        "scopes": [{"scope": " ".join(names), "resources": resources}] if names else [],
        "claims": [],
        "authorization_details": details,
        "created_at": rfc3339(grant.created_at),
        "last_updated_at": rfc3339(grant.updated_at),
        "expires_at": rfc3339(grant.expires_at),
        "updated_by": "client" if grant.status_code == "platform-action" else "authorization_server",
    }
