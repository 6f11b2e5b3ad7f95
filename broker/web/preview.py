"""A preview on the consent page: one category of the person's own data as the app would get it."""

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask_babel import gettext

from broker.banks.connector import AlertKind
from broker.clock import rfc3339
from broker.edge.gates import actor
from broker.edge.services import services
from broker.edge.wording import spoken
from broker.edge.wording import told as in_words
from broker.errors import (
    BankSignInNeeded,
    BankUnavailable,
    BrokerError,
    ConsentRefused,
    FrequencyExceeded,
    PolicyRefused,
)
from broker.policy.answers import Question
from broker.policy.catalogue import Category
from broker.policy.terms import Choice
from broker.release import OwnAccount, Preview
from broker.web.preview_values import written
from broker.web.proposals import Proposal, asker_of
from broker.web.words import question_of


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands below one category: `records` as pairs of label and value, or in `problem` why there are none.

    `raw` is what the app would get, as JSON; `more` is how many further records there are. `is_example` says that it is
    made up, because there is nothing to fetch beforehand.
    """

    category: str
    records: tuple[tuple[tuple[str, str], ...], ...] = ()
    raw: str = ""
    more: int = 0
    question: str = ""
    problem: str = ""
    is_example: bool = False


def shown_of(proposal: Proposal, category: str, choice: Choice, accounts: Sequence[OwnAccount]) -> Shown:
    """Fetch the preview of one category; whatever stands in the way of it is said there, and the page goes on.

    Raises:
        LogUnavailable: it could not be logged.
        NotFound: the platform is no longer registered.
    """
    if spoken().categories[category].pushed is not None:
        return _example(spoken().categories[category])
    offered = [account.offered for account in accounts]
    try:
        found = services().previews.of(actor(), asker_of(proposal), proposal.asked, category, choice, offered=offered)
    except (BankUnavailable, ConsentRefused, FrequencyExceeded, PolicyRefused) as error:
        return Shown(category, problem=_problem(error))
    return told(found, spoken().categories[category])


def told(found: Preview, category: Category) -> Shown:
    """Put a preview into the words of the page: every field that would leave, under its label, and no other."""
    labels = {field.name: field.label for field in category.fields}
    return Shown(
        category=found.category,
        records=tuple(tuple(_pairs(record, labels, category)) for record in found.records),
        raw=_json(found.records),
        more=found.total - len(found.records),
        question=_question(found.question),
    )


def _example(category: Category) -> Shown:
    """Make up one thing of a category of which the bank speaks first: the bank is asked for nothing."""
    made_up = {
        "alertId": "ARx2mQ…",
        "accountId": "9e5l2LBgW6m4Dw",
        "kind": AlertKind.CARD_PAYMENT.value,
        "occurredAt": rfc3339(services().clock()),
        "amount": "84.20",
        "currency": "EUR",
        "merchantName": gettext("Example Shop"),
        "country": "ES",
    }
    record = {field.name: made_up[field.name] for field in category.fields}
    shown = told(Preview(category.name, (record,), 1), category)
    return replace(shown, is_example=True)


def _pairs(record: Mapping[str, Any], labels: Mapping[str, str], category: Category) -> Iterator[tuple[str, str]]:
    for name, value in record.items():
        yield labels[name], written(name, value, record, category)


def _json(records: Sequence[Mapping[str, Any]]) -> str:
    """Write the records as JSON for a page: what would turn the text around is escaped, which is the same JSON."""
    written = json.dumps(list(records), ensure_ascii=False, indent=2)
    return "".join(f"\\u{ord(c):04x}" if unicodedata.category(c) == "Cf" and c <= "\uffff" else c for c in written)


def _question(question: Question | None) -> str:
    return "" if question is None else question_of(question.to_json())


def _problem(error: BrokerError) -> str:
    if error.code == "consent-empty":
        return gettext("Pick at least one account above, then press “Show me” again.")
    if isinstance(error, BankSignInNeeded):
        return gettext("Your bank asks you to sign in again. You can still say no. To say yes, start again in the app.")
    if isinstance(error, BankUnavailable):
        return gettext(
            "Your bank could not show this just now. Nothing was shared. You can decide without it, or try again."
        )
    return in_words(error)
