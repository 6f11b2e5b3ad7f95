"""The routes that answer a question about bank data instead of giving the data. A POST changes nothing here.

Its body holds what is asked: in an address it would stand in the logs of every machine on the way.
"""

from flask import Blueprint, Response, g

from broker.api import schemas
from broker.api.rendering import one_renderer
from broker.api.routes import address, handed_over, releases
from broker.edge.services import services
from broker.errors import ReleaseRefused
from broker.policy.answers import AmountQuestion, PlaceQuestion, Question, Questions
from broker.release import Wanted

blueprint = Blueprint("answers", __name__)


@blueprint.post("/answers/balance")
@releases("balance_answers", blueprint)
def balance() -> Response:
    """Say whether the available balance of one granted account is at least an amount."""
    asked = schemas.body(schemas.BalanceQuestion())
    question = AmountQuestion.of(
        _rules(), at_least=asked["at_least"], currency=asked["currency"], now=services().clock()
    )
    return _answered(question, asked["account_id"])


@blueprint.post("/answers/location")
@releases("location_answers", blueprint)
def location() -> Response:
    """Say whether a card of the granted accounts was used in a country, or a town of it, for some time back."""
    asked = schemas.body(schemas.LocationQuestion())
    place = asked["place"]
    question = PlaceQuestion.of(
        _rules(), country=place["country"], town=place["town"], since=asked["since"], now=services().clock()
    )
    return _answered(question, None)


def _rules() -> Questions:
    rules = services().catalogue.categories[g.category].questions
    if rules is None:
        raise ReleaseRefused("The policies do not say how this may be asked.", code="category-off")
    return rules


def _answered(question: Question, account_id: str | None) -> Response:
    oldest_at = question.oldest_at if isinstance(question, PlaceQuestion) else None
    wanted = Wanted(g.category, account_id, oldest_at, question=question)
    return handed_over(services().release.read(g.call, wanted, one_renderer(address())))
