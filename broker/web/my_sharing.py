"""My sharing: every grant of a person with its state and last use, and the buttons that pause, resume and stop."""

from flask import Blueprint, flash, render_template, request
from flask.typing import ResponseReturnValue

from broker.edge.answers import rows, see_other
from broker.edge.gates import actor
from broker.edge.problems import wants_json
from broker.edge.services import services
from broker.web import parties
from broker.web.cards import Card, acts_on_all, as_json, cards_of
from broker.web.forms import parsed
from broker.web.stopping import StopForm, carry_out, consequence, done, intention_among, question

blueprint = Blueprint("my_sharing", __name__)


@blueprint.get("/my-sharing")
def show() -> ResponseReturnValue:
    """Show everything that the person shares and has shared."""
    cards = _cards()
    if wants_json():
        return rows([as_json(card) for card in cards])
    live = [card for card in cards if not card.is_past]
    past = [card for card in cards if card.is_past]
    return render_template("my_sharing.html", live=live, past=past, acts=acts_on_all(live))


@blueprint.post("/my-sharing")
def act() -> ResponseReturnValue:
    """Name the consequence first; act when it has been confirmed."""
    sent = parsed(StopForm(), request.form)
    intended = intention_among(_cards(), sent)
    if sent["confirm"] is None:
        lines = consequence(intended)
        return render_template("confirm.html", intended=intended, question=question(intended), lines=lines)
    carry_out(services().grants, actor(), intended)
    flash(done(intended))
    return see_other(f"/my-sharing?done={intended.act.value}")


def _cards() -> list[Card]:
    now = services().clock()
    with services().database.read() as session:
        grants = services().grant_reader.of_user(session, actor().user_id, now)
        names = parties.names(session)
    return cards_of(grants, services().catalogue, names, now)
