"""Makes up one question for a preview of the categories that give answers, as an app might ask it."""

from datetime import datetime, timedelta
from typing import Final

from broker.policy.answers import AmountQuestion, PlaceQuestion, Question, Questions, on_the_hour, span
from broker.policy.minimise import Record

_ABOUT_AMOUNTS: Final = "balance_answers"


def example_question(rules: Questions, records: list[Record], known_from: datetime, now: datetime) -> Question | None:
    """Return a question that fits the person's own data; None where there is nothing to ask about.

    Of an amount the middle step in the account's currency. Of a place the country of the newest card use that has one,
    and the longest span that does not reach behind `known_from`.
    """
    if rules.amounts:
        currencies = [record["currency"] for record in records[:1]]
        amount = str(rules.amounts[len(rules.amounts) // 2])
        return AmountQuestion.of(rules, at_least=amount, currency=currencies[0], now=now) if currencies else None
    addresses = [record.get("address") or {} for record in records]
    country = next((address["country"] for address in addresses if address.get("country")), None)
    if country is None:
        return None
    known = [hours for hours in rules.hours if on_the_hour(now) - timedelta(hours=hours) >= known_from]
    since = span(max(known, default=rules.hours[0]))
    return PlaceQuestion.of(rules, country=country, town=None, since=since, now=now)


def is_about_one_account(category: str) -> bool:
    """Say whether a question of this category is put to one account at a time."""
    return category == _ABOUT_AMOUNTS
