"""Whether this process lives (`/healthz`) and whether it can serve (`/readyz`)."""

from flask import Blueprint, Response, jsonify

from broker.crypto.keyset import load_keyset
from broker.edge.services import services
from broker.errors import BrokerError, NotReady
from broker.storage.condition import check_writable
from broker.storage.schema import check_revision

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """Say that the process answers."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> Response:
    """Say that the database is there, current, writable and durable, and that the keys can be read again.

    And that no witness contradicts a log.

    Raises:
        NotReady: with the code of what is wrong.
    """
    try:
        _check()
    except BrokerError as error:
        raise NotReady(code=error.code) from error
    return jsonify(status="ready")


def _check() -> None:
    database = services().database
    check_writable(database)
    database.check_durability()
    check_revision(database)
    load_keyset(services().settings.key_file)
    services().sequencer.permits.check_current()
