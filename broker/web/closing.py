"""Closing one's account: what happens in plain words, a tick and the passkey, then everything at once."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from marshmallow import fields
from marshmallow.validate import Length, OneOf
from sqlalchemy.orm import Session

from broker.edge import own_sessions
from broker.edge import visitor as browser
from broker.edge.answers import see_other, to_be_corrected
from broker.edge.gates import actor, signed_in
from broker.edge.services import services
from broker.errors import ConsentRefused
from broker.grants.closing import USER_LEFT
from broker.tokens.service import end_all_of_grant
from broker.users.moves import banks_of
from broker.users.passkeys import Owner
from broker.web import parties
from broker.web.forms import Form, parsed
from broker.web.own_cards import own_cards
from broker.web.passkeys import step_up
from broker.web.passkeys.asking import Question, page_that_asks
from broker.web.passkeys.ceremony import LONGEST_ANSWER

blueprint = Blueprint("closing", __name__)
afterwards = Blueprint("closed", __name__)
_PAGE = "/account/close"


class _Confirmed(Form):
    understood = fields.String(load_default=None, validate=OneOf(["yes"]))
    answer = fields.String(load_default=None, validate=Length(max=LONGEST_ANSWER))


@blueprint.get("/account/close")
def ask() -> ResponseReturnValue:
    """Say what closing the account does, and ask."""
    return _page()


@blueprint.post("/account/close")
def close() -> ResponseReturnValue:
    """Close it, once the person has ticked the box and used their passkey, if they have one."""
    sent = parsed(_Confirmed(), request.form)
    if sent["understood"] is None:
        return to_be_corrected(_page(is_unticked=True))
    if step_up.waits_for(signed_in().user_id, sent["answer"]):
        return _page_for_passkey([*sent])
    _close(signed_in().owner)
    return see_other("/account/closed")


@afterwards.get("/account/closed")
def closed() -> ResponseReturnValue:
    """Say that it is done, in the browser in which it was done."""
    return render_template("account_closed.html") if browser.has_closed() else see_other("/")


def _close(owner: Owner) -> None:
    now = services().clock()

    def ends_besides(session: Session, grants: Sequence[str]) -> None:
        for grant_id in grants:
            end_all_of_grant(session, grant_id, now)
        own_sessions.end_all(session, owner)

    try:
        services().closing.close(actor(), ends_besides)
    except ConsentRefused as error:
        if error.code != USER_LEFT:  # another tab was quicker: that is what was wanted
            raise
    browser.close_account()


def _page(*, is_unticked: bool = False) -> str:
    cards = own_cards()
    with services().database.read() as session:
        told, known = parties.names(session), banks_of(session, actor().user_id)
    facts: dict[str, Any] = {
        "banks": [told.bank(bank) for bank in known],
        "live": [card for card in cards if not card.is_past],
        "has_shared": any(card.grant.authorised_at for card in cards),
    }
    return render_template("account_close.html", is_unticked=is_unticked, **facts)


def _page_for_passkey(names: list[str]) -> str:
    lost = gettext("Lost your passkey? Remove it in your account."), "/account", gettext("Your account")
    return page_that_asks(
        Question(
            action=_PAGE,
            lead=gettext("Please use your passkey to close your account. Nothing has been changed yet."),
            button=gettext("Use my passkey and close my account"),
            back="/account",
            back_words=gettext("Keep my account"),
            lost=lost,
            fields=names,
        )
    )
