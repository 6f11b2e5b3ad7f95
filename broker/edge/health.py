"""Whether this process lives (`/healthz`) and whether it can serve (`/readyz`)."""

from flask import Blueprint, Response, jsonify

from broker.edge.services import services

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """Say that the process answers."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> Response:
    """Say that the database can be read and written, and would keep what is written.

    Raises:
        StorageUnavailable: or ConfigurationInvalid, told as 503 or 500.
    """
    services().database.check_durability()
    services().database.check_writable()
    return jsonify(status="ready")
