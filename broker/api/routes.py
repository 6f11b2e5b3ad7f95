"""The data routes of version 1. Each belongs to exactly one category = one OAuth scope."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar, cast

from flask import Blueprint, Response, g, make_response, request

from broker.api import schemas
from broker.api.filters import filtered_fields, keep
from broker.api.paging import Pager, scope_of
from broker.api.receipts import attach
from broker.api.rendering import ListShape, list_renderer, one_renderer
from broker.edge.hand_over import until_handed_over
from broker.edge.services import services
from broker.release import Call, Released, Wanted

blueprint = Blueprint("api", __name__)
# Made once: to make a schema costs more than to use it.
_PAGES, _TIMES, _TRANSACTIONS = schemas.PageQuery(), schemas.TimesQuery(), schemas.TransactionsQuery()
_NOTHING = schemas.EmptyQuery()

Handler = TypeVar("Handler", bound=Callable[..., Response])
CATEGORIES: dict[str, str] = {}
"""Which category each endpoint releases; an architecture test holds it against the routes."""


def releases(category: str, routes: Blueprint = blueprint) -> Callable[[Handler], Handler]:
    """Tie a route to its one category, for the handler, the error answers and the tests."""

    def wrap(handler: Handler) -> Handler:
        CATEGORIES[f"{routes.name}.{handler.__name__}"] = category

        @wraps(handler)
        def bound(*args: str, **kwargs: str) -> Response:
            g.category = category
            return handler(*args, **kwargs)

        return cast("Handler", bound)

    return wrap


@blueprint.get("/accounts")
@releases("accounts")
def accounts() -> Response:
    """List the granted accounts."""
    return _list("accounts", "accountId", _PAGES)


@blueprint.get("/accounts/<account_id>")
@releases("accounts")
def account(account_id: str) -> Response:
    """Show one granted account."""
    return _one(account_id)


@blueprint.get("/accounts/balances")
@releases("balances")
def account_balances() -> Response:
    """List the balances of the granted accounts."""
    return _list("balances", "accountId", _PAGES)


@blueprint.get("/accounts/<account_id>/balance")
@releases("balances")
def balance(account_id: str) -> Response:
    """Show the balance of one granted account."""
    return _one(account_id)


@blueprint.get("/accounts/<account_id>/transactions")
@releases("transactions")
def transactions(account_id: str) -> Response:
    """List the transactions of one granted account, newest first."""
    return _list("transactions", "transactionId", _TRANSACTIONS, account_id)


@blueprint.get("/card-locations")
@releases("card_locations")
def card_locations() -> Response:
    """List where cards of the granted accounts were used, newest first."""
    return _list("cardLocations", "cardTransactionId", _TIMES)


def _list(name: str, key: str, schema: schemas.PageQuery, account_id: str | None = None) -> Response:
    query = schemas.query(schema)
    call: Call = g.call
    parameters = request.args.to_dict()
    scope = scope_of(call.grant_id, request.path, parameters)
    now = services().clock()
    pager = Pager.of(services().sealer, scope, key, query["page_size"], cursor=query["cursor"], now=now)
    wanted = Wanted(
        category=g.category,
        account_id=account_id,
        oldest_at=query.get("oldest_time"),
        newest_at=query.get("newest_time"),
        filtered_fields=filtered_fields(query),
        page=pager.page,
    )
    shape = ListShape(name, address(), parameters)
    released = services().release.read(call, wanted, list_renderer(shape, pager, lambda found: keep(found, query)))
    return handed_over(released)


def _one(account_id: str) -> Response:
    schemas.query(_NOTHING)
    wanted = Wanted(category=g.category, account_id=account_id)
    return handed_over(services().release.read(g.call, wanted, one_renderer(address())))


def address() -> str:
    """Return where the request came to, as the base URL has it."""
    return services().settings.base_url + request.path


def handed_over(released: Released) -> Response:
    """Hand the very bytes whose digest stands in the log to the transport."""
    until_handed_over(released.held)
    response = make_response(released.body)
    response.content_type = "application/json"
    attach(response, released)
    return response
