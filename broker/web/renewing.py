"""Renewing a permission from My sharing: what would be different, a sign-in made for it, then a yes or a no."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from marshmallow import fields
from marshmallow.validate import Length, Range

from broker.banks.service import Bank
from broker.edge.answers import see_other
from broker.edge.gates import actor, signed_in
from broker.edge.headers import allow_form_targets
from broker.edge.services import services
from broker.edge.visitor import SignInWish, keep_wish
from broker.errors import ConsentRefused
from broker.web.cards import Card
from broker.web.exact_places import page_for_renewal, waits_to_renew
from broker.web.formats import place
from broker.web.forms import Form, parsed
from broker.web.offer import Span
from broker.web.own_cards import own_card
from broker.web.parties import bank_named
from broker.web.passkeys.ceremony import LONGEST_ANSWER
from broker.web.proposals import Proposal, asker_of
from broker.web.renewable import lengths_of, obstacle
from broker.web.sign_in import identity

blueprint = Blueprint("renewing", __name__)
blueprint.add_app_template_filter(obstacle, "no_renewal")


class _Renewal(Form):
    days = fields.Integer(required=True, validate=Range(1, 3650))
    seen = fields.AwareDateTime(required=True)
    answer = fields.String(load_default=None, validate=Length(max=LONGEST_ANSWER))


@blueprint.get("/my-sharing/<uuid:grant_id>/renew")
def show(grant_id: UUID) -> ResponseReturnValue:
    """Show what renewing would change, or why it cannot be done here."""
    card = own_card(str(grant_id))
    bank = _bank(card)
    allow_form_targets([bank.issuer, bank.api_base])
    why, spans = obstacle(card), _spans(card)
    return render_template("renew.html", card=card, why=why, spans=spans, is_confirmed=_is_confirmed(card))


@blueprint.post("/my-sharing/<uuid:grant_id>/renew/sign-in")
def sign_in(grant_id: UUID) -> ResponseReturnValue:
    """Send the person to the bank that the permission is about: a consent needs a sign-in of its own."""
    card = own_card(str(grant_id))
    path = f"/my-sharing/{card.grant.id}/renew"
    keep_wish(_wish(card), SignInWish(path=path, banks=(card.grant.bank_id,), asker=card.platform))
    return see_other(identity.begin(_bank(card), _wish(card), asks_for_data=True))


@blueprint.post("/my-sharing/<uuid:grant_id>/renew")
def renew(grant_id: UUID) -> ResponseReturnValue:
    """Renew it, and lead back to the permission."""
    card, sent = own_card(str(grant_id)), parsed(_Renewal(), request.form)
    if not _is_confirmed(card):
        raise ConsentRefused(gettext("Sign in at your bank for this first."), code="grant-unchanged")
    if waits_to_renew(card, sent["answer"]):
        return page_for_renewal(card, [*sent])
    _renew(card, sent)
    return see_other(f"/my-sharing/{card.grant.id}?done=renew")


def _renew(card: Card, sent: dict[str, Any]) -> None:
    asker = asker_of(Proposal(card.grant.id, card.grant, None))
    offered = [account.offered for account in services().own_accounts.of(actor(), card.grant)]
    done = services().extensions.extend(actor(), card.grant.id, asker, sent["days"], offered, seen_at=sent["seen"])
    flash(gettext("Renewed. %(app)s can go on seeing what you allowed.", app=card.platform))
    flash(f"{place(done.log)}/{done.number}", "entry")


def _spans(card: Card) -> list[Span]:
    """Return the ends to choose from; as long again as was agreed is chosen unless the person picks a shorter one."""
    now = services().clock()
    found = lengths_of(card)
    return [Span(days, now + timedelta(days=days), days == found[-1]) for days in found]


def _is_confirmed(card: Card) -> bool:
    """Say whether the person has signed in for this very renewal, at the bank that it is about."""
    found = signed_in()
    return found.wish == _wish(card) and found.bank_id == card.grant.bank_id


def _wish(card: Card) -> str:
    return f"renew-{card.grant.id}-{card.grant.version}"


def _bank(card: Card) -> Bank:
    with services().database.read() as session:
        return bank_named(session, card.grant.bank_id)
