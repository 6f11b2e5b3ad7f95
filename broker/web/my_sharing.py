"""My sharing: every grant of a person with its state and last use, and the buttons that pause, resume and stop."""

from collections import defaultdict
from collections.abc import Sequence

from flask import Blueprint, flash, render_template, request
from flask.typing import ResponseReturnValue

from broker.audit import reader
from broker.audit.reader import LoggedEntry
from broker.audit.vocabulary import Appended
from broker.banks.facts import in_force
from broker.edge.answers import rows, see_other
from broker.edge.gates import actor
from broker.edge.problems import wants_json
from broker.edge.services import services
from broker.edge.wording import spoken
from broker.web import parties, words
from broker.web.cards import Card, acts_on_all, as_json, cards_of
from broker.web.formats import place
from broker.web.forms import parsed
from broker.web.stopping import StopForm, carry_out, consequence, done, intention_among, question

blueprint = Blueprint("my_sharing", __name__)
_MOST_TOLD = 10


@blueprint.get("/my-sharing")
def show() -> ResponseReturnValue:
    """Show everything that the person shares and has shared."""
    cards = _cards()
    if wants_json():
        return rows([as_json(card) for card in cards])
    live = [card for card in cards if not card.is_past]
    past = [card for card in cards if card.is_past]
    return render_template(
        "my_sharing.html", live=live, past=past, acts=acts_on_all(live), logged=_logged(), events=words.EVENTS
    )


@blueprint.post("/my-sharing")
def act() -> ResponseReturnValue:
    """Name the consequence first; act when it has been confirmed."""
    sent = parsed(StopForm(), request.form)
    intended = intention_among(_cards(), sent)
    if sent["confirm"] is None:
        lines = consequence(intended)
        return render_template("confirm.html", intended=intended, question=question(intended), lines=lines)
    written = carry_out(services().grants, actor(), intended)
    _tell(done(intended), written)
    return see_other(f"/my-sharing?done={intended.act.value}")


def _tell(text: str, written: Sequence[Appended]) -> None:
    """Say on the next page what was done and where the log says so; of very many acts at once, of the first ones."""
    flash(text)
    for one in written[:_MOST_TOLD]:
        flash(f"{place(one.log)}/{one.number}", "entry")
    if len(written) > _MOST_TOLD:
        flash(str(len(written) - _MOST_TOLD), "more")


def _logged() -> dict[str, list[LoggedEntry]]:
    """Return what the log says of each grant since it was given, newest first."""
    found: defaultdict[str, list[LoggedEntry]] = defaultdict(list)
    with services().database.read() as session:
        for entry in reader.acts_of_user(session, actor().user_id, words.GRANT_ACTS):
            found[entry.grant_id or ""].append(entry)
    return found


def _cards() -> list[Card]:
    now = services().clock()
    with services().database.read() as session:
        grants = services().grant_reader.of_user(session, actor().user_id, now)
        names = parties.names(session)
        files = spoken()
        rules = {bank: in_force(session, files, bank) for bank in {grant.bank_id for grant in grants}}
    return cards_of(grants, rules, files, names, now)
