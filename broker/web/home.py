"""The front page, and what stands on every page: the visitor and the filters."""

from typing import Any

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from broker.edge.services import services
from broker.edge.visitor import Visitor, visitor
from broker.edge.wording import spoken
from broker.errors import StorageUnavailable
from broker.web import formats, parties, policy_titles
from broker.web.own_cards import own_cards

blueprint = Blueprint("home", __name__)
blueprint.record_once(formats.register)
blueprint.record_once(policy_titles.register)
_MOST = 5


@blueprint.app_context_processor
def page_facts() -> dict[str, Any]:
    """Give every page a way to ask who is signed in; an error page must not ask, so it is a function."""
    return {"signed_in": visitor, "party_of": _party_of}


def _party_of(who: Visitor) -> str:
    """Return the name of the bank or the app for which somebody of its staff is signed in."""
    try:
        with services().database.read() as session:
            names = parties.names(session)
    except StorageUnavailable:  # an error page is made all the same
        names = parties.Names({}, {})
    return names.bank(who.bank_id) if who.bank_id else names.platform(who.platform_id)


@blueprint.get("/")
def show() -> ResponseReturnValue:
    """Say what this is; whoever is signed in sees what they share, and can stop it from here."""
    found = visitor()
    is_person = found is not None and found.role is None
    live = [card for card in own_cards() if not card.is_past] if is_person else None
    return render_template("home.html", live=live, most=_MOST)


@blueprint.get("/about/data")
def about_data() -> ResponseReturnValue:
    """List everything that can ever be shared, and for what."""
    return render_template("about_data.html", catalogue=spoken())
