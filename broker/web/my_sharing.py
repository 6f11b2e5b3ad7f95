"""My sharing: every grant of a person with its state and last use, and the buttons that pause, resume and stop."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, flash, render_template, request
from flask.typing import ResponseReturnValue

from broker.audit.vocabulary import Appended
from broker.edge.answers import rows, see_other, unusable
from broker.edge.gates import actor
from broker.edge.headers import allow_parts
from broker.edge.problems import wants_json
from broker.edge.services import services
from broker.web.card_rows import as_json
from broker.web.cards import Act, Card, acts_on_all
from broker.web.deleting import ask_beside
from broker.web.filters import filter_of
from broker.web.finding import LONGEST_SEARCH, STATES, FindForm, found_among
from broker.web.formats import place
from broker.web.forms import parsed
from broker.web.own_cards import acted_on, own_cards
from broker.web.stopping import (
    Intention,
    StopForm,
    carry_out,
    consequence,
    done,
    intention_among,
    is_end,
    named,
    question,
)

blueprint = Blueprint("my_sharing", __name__)
_MOST_TOLD = 10


@blueprint.get("/my-sharing")
def show() -> ResponseReturnValue:
    """Show everything that the person shares and has shared."""
    cards = own_cards()
    if wants_json():
        return rows([as_json(card) for card in cards])
    asked = filter_of(FindForm(), request.args)
    page = _page(cards, asked.wanted, asked.wrong)
    return unusable(page) if asked.wrong else page


@blueprint.get("/my-sharing/confirm")
def ask() -> ResponseReturnValue:
    """Name the consequence, before anything happens."""
    return _asks(intention_among(own_cards(), parsed(StopForm(), request.args)))


@blueprint.post("/my-sharing")
def act() -> ResponseReturnValue:
    """Act when it has been confirmed; name the consequence first when it has not."""
    sent = parsed(StopForm(), request.form)
    intended = intention_among(own_cards(), sent)
    if sent["confirm"] is None:
        return see_other(f"/my-sharing/confirm?{urlencode(intended.fields)}")
    written = carry_out(services().grants, actor(), intended)
    asked = ask_beside(intended.about) if sent["delete"] and is_end(intended) else ()
    _tell(done(intended), (*written, *asked))
    _keep(intended)
    return see_other(f"{intended.way_back}?done={intended.act.value}")


def _asks(intended: Intention) -> str:
    several, more = named(intended)
    return render_template(
        "confirm.html",
        intended=intended,
        question=question(intended),
        lines=consequence(intended),
        several=several,
        more=more,
        asks_to_delete=is_end(intended) and any(card.may_ask_deletion for card in intended.about),
    )


def _page(cards: Sequence[Card], wanted: Mapping[str, Any], wrong: Mapping[str, str]) -> str:
    allow_parts()
    live = [card for card in cards if not card.is_past]
    return render_template(
        "my_sharing.html",
        acted_on=acted_on(cards),
        found=found_among(cards, wanted),
        wanted=wanted,
        wrong=wrong,
        total=len(cards),
        live_total=len(live),
        ending=[card for card in live if card.days_left is not None],
        acts=acts_on_all(live),
        groups=_groups(live),
        states=STATES,
        apps=sorted({(card.grant.platform_id, card.platform) for card in cards}, key=lambda one: one[1]),
        banks=sorted({(card.grant.bank_id, card.bank) for card in cards}, key=lambda one: one[1]),
        longest_search=LONGEST_SEARCH,
    )


def _groups(live: Sequence[Card]) -> list[tuple[str, str, int, tuple[Act, ...]]]:
    """Return id, name, number of permissions and possible acts of each app that has more than one."""
    several = [key for key, number in Counter(_app(card) for card in live).items() if number > 1]
    found = {key: [card for card in live if _app(card) == key] for key in sorted(several, key=lambda one: one[1])}
    return [(*key, len(theirs), acts_on_all(theirs)) for key, theirs in found.items()]


def _app(card: Card) -> tuple[str, str]:
    return card.grant.platform_id, card.platform


def _tell(text: str, written: Sequence[Appended]) -> None:
    """Say on the next page what was done and where the log says so; of very many acts at once, of the first ones."""
    flash(text)
    for one in written[:_MOST_TOLD]:
        flash(f"{place(one.log)}/{one.number}", "entry")
    if len(written) > _MOST_TOLD:
        flash(str(len(written) - _MOST_TOLD), "more")


def _keep(intended: Intention) -> None:
    """Let the next page say of the permissions that it was about whether their apps have confirmed it."""
    for card in intended.about[:_MOST_TOLD]:
        flash(card.grant.id, "about")
