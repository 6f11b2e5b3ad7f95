"""What people have asked a platform to delete: the platform reads the list, acknowledges, and says what it has done."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, Response, jsonify, request
from marshmallow import fields, validate

from broker.api import schemas
from broker.clock import rfc3339
from broker.edge.gates import needs
from broker.edge.interaction import interaction_id
from broker.edge.services import services
from broker.grants.acts import PlatformActor
from broker.grants.deletion_views import Deletion, KeptBecause, Part, Statement, of_platform
from broker.policy.vocabulary import MachineScope

blueprint = Blueprint("deletions", __name__)
_MOST, _USUAL = 200, 50
_OPEN, _CLOSED = "open", "completed"


class DeletionsQuery(schemas.EmptyQuery):
    """Which requests: those that are `open` or `completed` (absent: all), behind the one whose id is `after`."""

    status = fields.String(validate=validate.OneOf([_OPEN, _CLOSED]), load_default=None)
    page_size = fields.Integer(
        data_key="page-size", strict=False, validate=validate.Range(1, _MOST), load_default=_USUAL
    )
    after = fields.UUID(load_default=None)


class DeletionDone(schemas.EmptyQuery):
    """What the platform has done; a `reason` only where it keeps a part."""

    statement = fields.Enum(Statement, by_value=True, required=True)
    reason = fields.Enum(KeptBecause, by_value=True, load_default=None)


@blueprint.get("/deletions")
def listed() -> Response:
    """List what people have asked this client to delete, oldest first."""
    platform_id = needs(MachineScope.DELETIONS).platform_id
    query = schemas.query(DeletionsQuery())
    is_open = None if query["status"] is None else query["status"] == _OPEN
    part = Part(query["page_size"], str(query["after"]) if query["after"] else None, is_open)
    with services().database.read() as session:
        found, total = of_platform(session, platform_id, part, services().clock())
    return jsonify(
        {
            "data": {"deletions": [told(one) for one in found]},
            "links": _links(found, is_full=len(found) == part.limit),
            "meta": {"totalRecords": total},
        }
    )


@blueprint.post("/deletions/<uuid:deletion_id>/acknowledgement")
def acknowledge(deletion_id: UUID) -> Response:
    """Confirm that the request has been read; saying it again changes nothing."""
    platform = _platform()
    if request.get_data():
        schemas.body(schemas.EmptyQuery())
    schemas.query(schemas.EmptyQuery())
    return _answered(services().deletions.acknowledge(platform, str(deletion_id)))


@blueprint.post("/deletions/<uuid:deletion_id>/completion")
def complete(deletion_id: UUID) -> Response:
    """Say what has been deleted; saying the same again changes nothing, saying otherwise is refused."""
    platform = _platform()
    said = schemas.body(DeletionDone())
    return _answered(services().deletions.complete(platform, str(deletion_id), said["statement"], said["reason"]))


def told(deletion: Deletion) -> dict[str, Any]:
    """Return one request as the API tells it; what has not happened is absent."""
    facts = {
        "deletionId": deletion.id,
        "grantId": deletion.grant_id,
        "status": deletion.status,
        "reason": deletion.kept_because,
        "requestedAt": rfc3339(deletion.requested_at),
        "respondBy": rfc3339(deletion.respond_by),
        "acknowledgedAt": rfc3339(deletion.acknowledged_at) if deletion.acknowledged_at else None,
        "completedAt": rfc3339(deletion.completed_at) if deletion.completed_at else None,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _platform() -> PlatformActor:
    return PlatformActor(needs(MachineScope.DELETIONS).platform_id, interaction_id())


def _answered(deletion: Deletion) -> Response:
    return jsonify({"data": told(deletion), "links": {"self": _address()}, "meta": {}})


def _links(found: list[Deletion], *, is_full: bool) -> dict[str, str]:
    asked = request.args.to_dict()
    first = {name: value for name, value in asked.items() if name != "after"}
    links = {"self": _address(asked), "first": _address(first)}
    return links | ({"next": _address({**first, "after": found[-1].id})} if is_full else {})


def _address(query: dict[str, str] | None = None) -> str:
    address = services().settings.base_url + request.path
    return f"{address}?{urlencode(query)}" if query else address
