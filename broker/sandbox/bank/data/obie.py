"""The data API of a bank that speaks UK Open Banking v4 account information."""

from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, json, request
from werkzeug.exceptions import HTTPException

from broker.sandbox.bank import clock
from broker.sandbox.bank.alerts import find_alert
from broker.sandbox.bank.context import bank
from broker.sandbox.bank.data import obie_shapes as shapes
from broker.sandbox.bank.data.access import Refused, Visit, admit, find_account, interaction_id
from broker.sandbox.bank.data.faults import play_fault
from broker.sandbox.bank.data.query import EARLIEST, LATEST, BadQuery, instant, number
from broker.sandbox.bank.data.served import served
from broker.sandbox.bank.ledger import Window, accounts_of, balance_of, entries_of
from broker.sandbox.bank.logins import find_person
from broker.sandbox.bank.oidc.scopes import OBIE_ACCOUNTS
from broker.sandbox.bank.receipts.checks import Asked
from broker.sandbox.bank.receipts.door import under_receipt
from broker.sandbox.bank.receipts.refusal import ReceiptRefused

PREFIX = "/open-banking/v4.0/aisp"

blueprint = Blueprint("obie", __name__, url_prefix=PREFIX)
blueprint.before_request(play_fault)

_PAGE, _LAST_PAGE = 100, 100_000
_LIST = Asked(("accounts",))
_BOOKING_LAG_S = 3 * 86_400  # the standard selects by booking, which follows by days what the window is about


class ResourceNotFound(Exception):
    """The account is unknown or somebody else's; the two are not told apart."""


@blueprint.get("/party")
def party() -> Response:
    """Answer who the token stands for."""
    visit = under_receipt(admit(OBIE_ACCOUNTS), _LIST)
    with bank().sessions() as session:
        person = find_person(session, visit.subject)
    return _answer(visit, shapes.party(person), [])


@blueprint.get("/accounts")
def accounts() -> Response:
    """Answer the customer's accounts."""
    visit = under_receipt(admit(OBIE_ACCOUNTS), _LIST)
    with bank().sessions() as session:
        held = [row for row in accounts_of(session, visit.subject) if visit.may_list(row.account_id)]
        person = find_person(session, visit.subject)
    holder = "" if person is None else person.name
    return _answer(visit, {"Account": [shapes.account(row, holder) for row in held]}, [row.account_id for row in held])


@blueprint.get("/accounts/<account_id>/balances")
def balances(account_id: str) -> Response:
    """Answer an account's balances."""
    visit, at = under_receipt(admit(OBIE_ACCOUNTS), Asked(("balances", "balance_answers"), account_id)), clock.epoch()
    with bank().sessions() as session:
        row = find_account(session, visit, account_id)
        if row is None:
            raise ResourceNotFound
        balance = balance_of(session, row, at)
    return _answer(visit, {"Balance": shapes.balances(row, balance, at)}, [row.account_id])


@blueprint.get("/accounts/<account_id>/transactions")
def transactions(account_id: str) -> Response:
    """Answer one page of an account's transactions, newest first."""
    visit, window = admit(OBIE_ACCOUNTS), _window()
    span = (window.start, instant("toBookingDateTime", LATEST))
    asked = Asked(("transactions", "card_locations", "location_answers"), account_id, span, _BOOKING_LAG_S)
    visit = under_receipt(visit, asked)
    with bank().sessions() as session:
        row = find_account(session, visit, account_id)
        if row is None:
            raise ResourceNotFound
        entries, total = entries_of(session, row, window)
    lines = [shapes.transaction(row, entry, clock.epoch()) for entry in entries]
    return _answer(visit, {"Transaction": lines}, [row.account_id], pages=max(1, -(-total // _PAGE)))


@blueprint.get("/accounts/<account_id>/fraud-alerts/<alert_id>")
def fraud_alert(account_id: str, alert_id: str) -> Response:
    """Answer one fraud alert of an account: an extension, the standard has none."""
    visit = under_receipt(admit(OBIE_ACCOUNTS), Asked(("fraud_alerts",), account_id, alert_id=alert_id))
    with bank().sessions() as session:
        row = find_account(session, visit, account_id)
        told = find_alert(session, row, alert_id)
    if told is None:
        return problem(404, "UK.OBIE.Resource.NotFound", "The alert is not known")
    return served(visit, json.dumps(told), [account_id])


def _window() -> Window:
    now = clock.epoch()
    return Window(
        start=instant("fromBookingDateTime", EARLIEST),
        end=min(instant("toBookingDateTime", now), now),
        skip=(number("page", 1, 1, _LAST_PAGE) - 1) * _PAGE,
        limit=_PAGE,
    )


def _answer(visit: Visit, data: dict[str, Any], account_ids: list[str], pages: int = 1) -> Response:
    links = {"Self": _link()}
    current = number("page", 1, 1, _LAST_PAGE)
    if current < pages:
        links["Next"] = _link(page=str(current + 1))
    return served(visit, json.dumps({"Data": data, "Links": links, "Meta": {"TotalPages": pages}}), account_ids)


def _link(**changed: str) -> str:
    return shapes.link(bank().config.base_url + request.path, request.args.to_dict() | changed)


@blueprint.errorhandler(ResourceNotFound)
def not_found(_error: ResourceNotFound) -> Response:
    """Answer an account that is not there; the standard has no 404 for account data."""
    return problem(400, "UK.OBIE.Resource.NotFound", "The account is not known")


@blueprint.errorhandler(BadQuery)
def bad_query(error: BadQuery) -> Response:
    """Answer a parameter that cannot be understood."""
    code = "UK.OBIE.Field.Invalid" if error.name == "page" else "UK.OBIE.Field.InvalidDate"
    return problem(400, code, f"{error.name} is not valid")


@blueprint.errorhandler(Refused)
def refused(refusal: Refused) -> Response:
    """Answer a token that is not good enough (RFC 6750 §3)."""
    missing = refusal.status == HTTPStatus.UNAUTHORIZED
    code = "UK.OBIE.Header.Invalid" if missing else "UK.OBIE.Resource.ConsentMismatch"
    response = problem(refusal.status, code, refusal.message)
    response.headers["WWW-Authenticate"] = refusal.challenge
    return response


@blueprint.errorhandler(ReceiptRefused)
def not_without_receipt(refusal: ReceiptRefused) -> Response:
    """Answer a request whose receipt is missing or does not fit it; the header says so in any standard."""
    response = problem(403, refusal.code, refusal.message)
    response.headers["x-broker-receipt-error"] = refusal.code
    return response


@blueprint.errorhandler(HTTPException)
def failed(error: HTTPException) -> Response:
    """Answer anything else that went wrong, without details."""
    return problem(error.code or 500, "UK.OBIE.UnexpectedError", error.name)


@blueprint.after_request
def echo(response: Response) -> Response:
    """Name the interaction in every answer."""
    response.headers["x-fapi-interaction-id"] = interaction_id()
    return response


def problem(status: int, code: str, message: str) -> Response:
    """Return an error as the standard words it (OBErrorResponse1)."""
    reason = HTTPStatus(status).phrase
    error = {"ErrorCode": code, "Message": message}
    body = {"Code": f"{status} {reason}", "Id": interaction_id(), "Message": reason, "Errors": [error]}
    return Response(json.dumps(body), status, content_type="application/json")
