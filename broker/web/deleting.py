"""Asking an app to delete what it has received: what that means first, then the request itself."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from flask import Blueprint, flash, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext

from broker.audit.vocabulary import Appended
from broker.edge.answers import see_other
from broker.edge.gates import actor
from broker.edge.services import services
from broker.errors import ConsentRefused, LogUnavailable, StorageUnavailable
from broker.web.cards import Card
from broker.web.formats import place
from broker.web.own_cards import own_card

blueprint = Blueprint("deleting", __name__)
_NOT_ASKED = lazy_gettext(
    "Nobody was asked: it cannot be written down at the moment, and without that it does not count. "
    "Please try again later."
)


@blueprint.get("/my-sharing/<uuid:grant_id>/deletion")
def show(grant_id: UUID) -> ResponseReturnValue:
    """Say what asking means, before anybody is asked."""
    card = own_card(str(grant_id))
    most = min(services().settings.deletion_days, card.grant.terms.data_life_days)
    return render_template("deletion.html", card=card, until=services().clock() + timedelta(days=most))


@blueprint.post("/my-sharing/<uuid:grant_id>/deletion")
def ask(grant_id: UUID) -> ResponseReturnValue:
    """Ask the app, and lead back to the permission."""
    card = own_card(str(grant_id))
    try:
        written = services().deletions.request(actor(), card.grant.id)
    except (LogUnavailable, StorageUnavailable) as error:
        raise type(error)(str(_NOT_ASKED), code=error.code) from error
    flash(gettext("You have asked %(app)s to delete what it has.", app=card.platform))
    flash(f"{place(written.log)}/{written.number}", "entry")
    return see_other(f"/my-sharing/{card.grant.id}?done=delete")


def ask_beside(cards: Iterable[Card]) -> tuple[Appended, ...]:
    """Ask the apps of what was stopped just now, where the person ticked that; what is stopped stays so in any case."""
    return tuple(written for card in cards if card.may_ask_deletion for written in _asked(card))


def _asked(card: Card) -> list[Appended]:
    try:
        return [services().deletions.request(actor(), card.grant.id)]
    except (ConsentRefused, LogUnavailable, StorageUnavailable):
        flash(gettext("%(app)s could not be asked to delete what it has. You can ask it again.", app=card.platform))
        return []
