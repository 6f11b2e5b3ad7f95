"""The data API of a bank that speaks FDX v6: customer, accounts, transactions."""

from flask import Blueprint, Response
from werkzeug.exceptions import HTTPException

from broker.sandbox.bank import clock
from broker.sandbox.bank.alerts import find_alert
from broker.sandbox.bank.context import bank
from broker.sandbox.bank.data import fdx_shapes as shapes
from broker.sandbox.bank.data.access import Refused, Visit, admit, find_account, interaction_id
from broker.sandbox.bank.data.decimal_json import Json, write_json
from broker.sandbox.bank.data.faults import play_fault
from broker.sandbox.bank.data.query import EARLIEST, LATEST, BadQuery, instant, number
from broker.sandbox.bank.data.served import served
from broker.sandbox.bank.ledger import Window, accounts_of, balance_of, entries_of
from broker.sandbox.bank.logins import find_person
from broker.sandbox.bank.oidc.scopes import FDX_ACCOUNTS, FDX_CUSTOMER, FDX_TRANSACTIONS
from broker.sandbox.bank.receipts.checks import Asked
from broker.sandbox.bank.receipts.door import under_receipt
from broker.sandbox.bank.receipts.refusal import ReceiptRefused

PREFIX = "/fdx/v6"

blueprint = Blueprint("fdx", __name__, url_prefix=PREFIX)
blueprint.before_request(play_fault)

_PAGE, _LARGEST_PAGE, _LAST_OFFSET = 100, 1000, 10_000_000
_LIST = Asked(("accounts",))


class AccountNotFound(Exception):
    """The account is unknown or somebody else's; the two are not told apart."""


@blueprint.get("/customers/current")
def customer() -> Response:
    """Answer who the token stands for."""
    visit = under_receipt(admit(FDX_CUSTOMER), _LIST)
    with bank().sessions() as session:
        person = find_person(session, visit.subject)
    return _answer(visit, shapes.customer(person), [])


@blueprint.get("/accounts")
def accounts() -> Response:
    """Answer the customer's accounts, without balances."""
    visit, window = under_receipt(admit(FDX_ACCOUNTS), _LIST), _window()
    with bank().sessions() as session:
        held = [row for row in accounts_of(session, visit.subject) if visit.may_list(row.account_id)]
    shown = held[window.skip : window.skip + window.limit]
    body: shapes.Fields = {"page": shapes.page(window, len(held)), "accounts": [shapes.account(row) for row in shown]}
    return _answer(visit, body, [row.account_id for row in shown])


@blueprint.get("/accounts/<account_id>")
def account(account_id: str) -> Response:
    """Answer one account with its balances."""
    # The standard states an account's currency here alone, so that transactions cannot be read without.
    asked = Asked(("balances", "balance_answers", "transactions"), account_id)
    visit, at = under_receipt(admit(FDX_ACCOUNTS), asked), clock.epoch()
    with bank().sessions() as session:
        row = find_account(session, visit, account_id)
        if row is None:
            raise AccountNotFound
        balance = balance_of(session, row, at)
    return _answer(visit, shapes.account(row) | shapes.balances(row, balance, at), [row.account_id])


@blueprint.get("/accounts/<account_id>/transactions")
def transactions(account_id: str) -> Response:
    """Answer one page of an account's transactions, newest first."""
    visit, window = admit(FDX_TRANSACTIONS), _window()
    span = (window.start, instant("endTime", LATEST))
    visit = under_receipt(visit, Asked(("transactions", "card_locations", "location_answers"), account_id, span))
    with bank().sessions() as session:
        row = find_account(session, visit, account_id)
        if row is None:
            raise AccountNotFound
        entries, total = entries_of(session, row, window)
    lines = [shapes.transaction(row, entry, clock.epoch()) for entry in entries]
    return _answer(visit, {"page": shapes.page(window, total), "transactions": lines}, [row.account_id])


@blueprint.get("/accounts/<account_id>/fraud-alerts/<alert_id>")
def fraud_alert(account_id: str, alert_id: str) -> Response:
    """Answer one fraud alert of an account: an extension, the standard has none."""
    visit = under_receipt(admit(FDX_ACCOUNTS), Asked(("fraud_alerts",), account_id, alert_id=alert_id))
    with bank().sessions() as session:
        row = find_account(session, visit, account_id)
        told = find_alert(session, row, alert_id)
    if told is None:
        raise AccountNotFound
    return _answer(visit, told, [account_id])


def _window() -> Window:
    now = clock.epoch()
    return Window(
        start=instant("startTime", EARLIEST),
        end=min(instant("endTime", now), now),
        skip=number("offset", 0, 0, _LAST_OFFSET),
        limit=number("limit", _PAGE, 1, _LARGEST_PAGE),
    )


def _answer(visit: Visit, body: Json, account_ids: list[str]) -> Response:
    return served(visit, write_json(body), account_ids)


@blueprint.errorhandler(AccountNotFound)
def not_found(_error: AccountNotFound) -> Response:
    """Answer an account that is not there (FDX code 701)."""
    return problem(404, "701", "Account not found")


@blueprint.errorhandler(BadQuery)
def bad_query(error: BadQuery) -> Response:
    """Answer a parameter that cannot be understood (FDX codes 702 and 401)."""
    dates = error.name in ("startTime", "endTime")
    return problem(400, "702" if dates else "401", f"Invalid {error.name}")


@blueprint.errorhandler(Refused)
def refused(refusal: Refused) -> Response:
    """Answer a token that is not good enough (FDX code 602, RFC 6750 §3)."""
    response = problem(refusal.status, "602", refusal.message)
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
    return problem(error.code or 500, "500", error.name)


@blueprint.after_request
def echo(response: Response) -> Response:
    """Name the interaction in every answer."""
    response.headers["x-fapi-interaction-id"] = interaction_id()
    return response


def problem(status: int, code: str, message: str) -> Response:
    """Return an error as FDX words it."""
    return Response(write_json({"code": code, "message": message}), status, content_type="application/json")
