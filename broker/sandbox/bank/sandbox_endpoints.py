"""What only a sandbox bank has: its record of served requests, faults and fraud alerts on command; no credentials."""

from flask import Blueprint, Response, jsonify, request
from requests import RequestException

from broker.sandbox.bank import clock
from broker.sandbox.bank.alerts import MAY_BE_SAID, raised
from broker.sandbox.bank.context import bank
from broker.sandbox.bank.data.faults import FAULTS
from broker.sandbox.bank.data.served import served_requests
from broker.sandbox.bank.ledger import account_of, accounts_of, close
from broker.sandbox.bank.logins import find_customer
from broker.sandbox.bank.models import AlertRow
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
    if _is_from_another_site():
        return _refuse(403, "faults are not switched from other sites")
    fault = request.form.get("fault", "")
    if fault not in FAULTS:
        return _refuse(400, f"fault must be one of {', '.join(FAULTS)}")
    bank().fault = fault
    return Response(status=204)


@blueprint.post("/accounts/close")
def close_account() -> Response:
    """Close an account for good: from now on the bank lists it no more and answers as if it had never been."""
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        return _refuse(403, "accounts are not closed from other sites")
    username, ending = request.form.get("username", ""), request.form.get("number", "")
    with bank().sessions.begin() as session:
        found = account_of(session, username, ending)
        if found is None:
            return _refuse(404, "this customer has no such account; name the last four digits of its number")
        close(session, found)
    return Response(status=204)


@blueprint.post("/fraud-alerts")
def raise_alert() -> Response:
    """Raise a fraud alert for a customer's first account and tell the broker of it; answer what the broker said."""
    if _is_from_another_site():
        return _refuse(403, "alerts are not raised from other sites")
    line, said = bank().broker_line, request.form.to_dict()
    username = said.pop("username", "")
    if line is None or not said.keys() <= MAY_BE_SAID:
        return _refuse(400, f"beside username there may be {', '.join(sorted(MAY_BE_SAID))}, at a bank with a broker")
    alert = _alert_for(username, said)
    if alert is None:
        return _refuse(404, "there is no customer of this name with an account")
    try:
        answer = line.tells_of(alert)
    except RequestException:
        return _refuse(502, "the broker cannot be reached")
    told = {"alertId": alert.alert_id, "accountId": alert.account_id, "subject": alert.subject}
    return jsonify(told | {"status": answer.status, "answer": answer.body})


def _alert_for(username: str, said: dict[str, str]) -> AlertRow | None:
    with bank().sessions() as session:
        person = find_customer(session, username)
    if person is None:
        return None
    bank().customers.keep_books(person.subject, clock.now().date())
    with bank().sessions.begin() as session:
        own = (one for one in accounts_of(session, person.subject) if not (one.closed or one.joint))
        account = next(own, None)
        return None if account is None else raised(session, account, person.subject, said)


def _is_from_another_site() -> bool:
    # There is no credential to forge, but a page on the web has no business here either.
    return request.headers.get("Sec-Fetch-Site") == "cross-site"


def _refuse(status: int, message: str) -> Response:
    response = jsonify({"error": message})
    response.status_code = status
    return response
