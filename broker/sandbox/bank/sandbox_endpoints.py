"""What only a sandbox bank has: its record of served requests and the switch for its faults, without credentials."""

from flask import Blueprint, Response, jsonify, request

from broker.sandbox.bank.context import bank
from broker.sandbox.bank.data.faults import FAULTS
from broker.sandbox.bank.data.served import served_requests
from broker.sandbox.bank.receipts.uses import as_json_lines

blueprint = Blueprint("sandbox", __name__, url_prefix="/sandbox")


@blueprint.get("/served")
def served() -> Response:
    """Answer the data requests served, oldest first."""
    with bank().sessions() as session:
        return jsonify(served_requests(session))


@blueprint.get("/served.jsonl")
def served_under_receipts() -> Response:
    """Answer what was served under which receipt, for whoever holds it against the broker's log."""
    with bank().sessions() as session:
        return Response("".join(as_json_lines(session)), content_type="application/jsonl")


@blueprint.get("/faults")
def present_fault() -> Response:
    """Answer which fault is being played."""
    return jsonify({"fault": bank().fault})


@blueprint.post("/faults")
def play() -> Response:
    """Play a fault from now on; "none" ends it."""
    # There is no credential to forge, but a page on the web has no business switching faults either.
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        return _refuse(403, "faults are not switched from other sites")
    fault = request.form.get("fault", "")
    if fault not in FAULTS:
        return _refuse(400, f"fault must be one of {', '.join(FAULTS)}")
    bank().fault = fault
    return Response(status=204)


def _refuse(status: int, message: str) -> Response:
    response = jsonify({"error": message})
    response.status_code = status
    return response
