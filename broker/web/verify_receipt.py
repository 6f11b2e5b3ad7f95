"""The page on which anybody checks a receipt in their own browser; we serve it, and are told nothing.

Trusted by whoever uses it: this very page, and the keys on it. It says so, and how to do without.
"""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from broker.audit import tree
from broker.audit.vocabulary import OPERATOR_LOG
from broker.audit.vouching import vkeys_of
from broker.edge.headers import allow_own_scripts
from broker.edge.services import services
from broker.edge.wording import spoken
from broker.web import console_words, parties, receipt_texts, words

blueprint = Blueprint("verify_receipt", __name__)


@blueprint.get("/receipts/verify")
def show() -> ResponseReturnValue:
    """Show the page that checks a receipt without asking us."""
    allow_own_scripts()
    with services().database.read() as session:
        heads = tree.listed(session)
        banks = parties.names(session).banks
    keys = services().log_keys
    vkeys = [vkey for head in heads if head.is_current for vkey in vkeys_of(keys, head)]
    # A retired key vouches for the logs that ended while it signed, and for no other.
    known = [vkey for head in heads if head.size for vkey in vkeys_of(keys, head)]
    return render_template("verify_receipt.html", facts=_facts(banks, known), vkeys=vkeys)


def _facts(banks: dict[str, str], vkeys: list[str]) -> dict[str, Any]:
    """Say what the check needs to know: the keys of each of our logs, and the plain words."""
    catalogue = spoken()
    return {
        "keys": vkeys,
        "witnesses": [],
        "banks": {**banks, OPERATOR_LOG: gettext("the operator")},
        "events": {event.value: str(text) for event, text in words.EVENTS.items()},
        "decisions": _told(words.DECISIONS),
        "reasons": _told(words.REASONS),
        "initiators": _told(console_words.INITIATORS),
        "fields": {name: {one.name: one.label for one in found.fields} for name, found in catalogue.categories.items()},
        "categories": {category.name: category.title for category in catalogue.categories.values()},
        "purposes": {purpose: found.title for purpose, found in catalogue.purposes.items()},
        "details": _told(words.DETAILS),
        "texts": receipt_texts.in_this_language(),
    }


def _told(table: Mapping[str, Any]) -> dict[str, str]:
    """Say the words of a table in the language of the page."""
    return {code: str(words) for code, words in table.items()}
