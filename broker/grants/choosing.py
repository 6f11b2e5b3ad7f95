"""What a person chose out of what was asked: it can only be narrower, and what is wider is refused, not trimmed."""

from broker.errors import ConsentRefused
from broker.policy.terms import Choice, Terms, narrowed


def chosen_terms(
    asked: Terms, choice: Choice, bank_id: str, offered: set[str], *, before: Terms | None = None
) -> Terms:
    """Return the terms of the choice at one bank; `offered` are the ids of the accounts that the bank lists.

    `before` is what could be chosen until the bank lowered it to `asked`: who chose out of that made no mistake.

    Raises:
        ConsentRefused: the choice is empty or wider than what was asked, in words that the page can show.
    """
    if not choice.categories:
        raise ConsentRefused("Tick at least one kind of data, or choose “Don't allow”.", code="consent-empty")
    if not choice.accounts:
        raise ConsentRefused("Pick at least one account, or choose “Don't allow”.", code="consent-empty")
    if not set(choice.accounts) <= offered:
        raise ConsentRefused("One of these accounts is not yours to share.", code="consent-too-wide")
    terms = narrowed(asked, choice, bank_id)
    if _is_within(terms, choice, asked):
        return terms
    if before is not None and _is_within(narrowed(before, choice, bank_id), choice, before):
        raise ConsentRefused(
            "Your bank now allows less than when you opened this page. Below is what is left. Please look again.",
            code="offer-changed",
        )
    raise ConsentRefused("This choice is wider than what the app asked for.", code="consent-too-wide")


def _is_within(terms: Terms, choice: Choice, asked: Terms) -> bool:
    is_positive = terms.lookback_days >= 1 and (terms.duration_days is None or terms.duration_days >= 1)
    return set(choice.categories) <= set(asked.category_names) and terms.is_within(asked) and is_positive
