"""The page on which anybody checks a receipt in their own browser; we serve it, and are told nothing.

Trusted by whoever uses it: this very page, and the keys on it. It says so, and how to do without.
"""

from base64 import b64encode
from typing import Any

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from broker.audit import tree
from broker.audit.vocabulary import OPERATOR_LOG
from broker.edge.headers import allow_own_scripts
from broker.edge.services import services
from broker.tlog.keys import ED25519
from broker.web import parties, words

blueprint = Blueprint("verify_receipt", __name__)


@blueprint.get("/receipts/verify")
def show() -> ResponseReturnValue:
    """Show the page that checks a receipt without asking us."""
    allow_own_scripts()
    with services().database.read() as session:
        current = [head.origin for head in tree.listed(session) if head.is_current]
        banks = parties.names(session).banks
    vkeys = [vkey for origin in current for vkey in services().log_keys.vkeys(origin)]
    return render_template("verify_receipt.html", facts=_facts(banks), vkeys=vkeys)


def _facts(banks: dict[str, str]) -> dict[str, Any]:
    """Say what the check needs to know: the keys of all our logs, by how their names begin, and the plain words."""
    prefix = f"{services().settings.base_host}/audit/"
    catalogue = services().catalogue
    return {
        "keys": [
            {"prefix": prefix, "key": b64encode(ED25519 + key).decode()} for key in services().log_keys.public_keys
        ],
        "witnesses": [],
        "banks": {**banks, OPERATOR_LOG: "the operator"},
        "events": {event.value: text for event, text in words.EVENTS.items()},
        "decisions": words.DECISIONS,
        "reasons": words.REASONS,
        "categories": {category.name: category.title for category in catalogue.categories.values()},
        "purposes": {purpose: found.title for purpose, found in catalogue.purposes.items()},
        "details": words.DETAILS,
    }
