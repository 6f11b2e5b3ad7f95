"""A person's own passkeys: made, renamed, removed; and the page that asks for one again."""

from datetime import timedelta

from flask import Blueprint, flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from marshmallow import fields
from marshmallow.validate import Length

from broker.edge import visitor as browser
from broker.edge.answers import see_other
from broker.edge.gates import signed_in
from broker.edge.headers import allow_own_scripts
from broker.edge.services import services
from broker.edge.visitor import Means
from broker.errors import SignInRequired
from broker.notices.notice import Notice
from broker.notices.outbox import note
from broker.notices.vocabulary import What
from broker.web.forms import Form, parsed
from broker.web.passkeys import ceremony, step_up
from broker.web.passkeys.asking import Question, page_that_asks
from broker.web.passkeys.challenges import Ceremony
from broker.web.passkeys.sign_in import Answered

blueprint = Blueprint("passkeys", __name__)
_FRESH = timedelta(minutes=10)
_LONGEST_NAME = 60


class Made(Answered):
    """A passkey that a browser has made, and what its owner calls it."""

    name = fields.String(load_default="", validate=Length(max=_LONGEST_NAME))


class _Renamed(Form):
    name = fields.String(required=True, validate=Length(1, _LONGEST_NAME))


class _Removed(Form):
    answer = fields.String(load_default=None, validate=Length(max=ceremony.LONGEST_ANSWER))


class _Asked(Form):
    next = fields.String(load_default="/account", validate=Length(max=200))


@blueprint.get("/account/passkeys/new")
def offer() -> ResponseReturnValue:
    """Offer to make a passkey, to somebody whom the bank has just confirmed."""
    if not browser.proved_within(Means.BANK, _FRESH):
        return see_other("/sign-in?next=/account/passkeys/new")
    allow_own_scripts()
    with services().database.read() as session:
        known = services().passkeys.of(session, signed_in().owner)
    return render_template("passkey_new.html", options=ceremony.to_register(signed_in().owner, signed_in().name, known))


@blueprint.post("/account/passkeys")
def add() -> ResponseReturnValue:
    """Keep the passkey that the browser has made."""
    sent = parsed(Made(), request.form)
    if not browser.proved_within(Means.BANK, _FRESH):
        raise SignInRequired("A new passkey needs a new sign-in with your bank.", code="sign-in-not-fresh")
    made, now = ceremony.registered(sent["answer"]), services().clock()
    with services().database.write() as session:
        name, bank_id = shown(sent["name"]) or gettext("Passkey"), signed_in().bank_id or None
        services().passkeys.add(session, signed_in().owner, made, name, now, bank_id=bank_id)
        note(session, Notice(What.PASSKEY_ADDED, signed_in().user_id), now)
    flash(gettext("Your passkey was added. You can sign in with it next time."))
    return see_other("/account")


@blueprint.post("/account/passkeys/<uuid:passkey_id>/rename")
def rename(passkey_id: object) -> ResponseReturnValue:
    """Call a passkey otherwise."""
    name = shown(parsed(_Renamed(), request.form)["name"]) or gettext("Passkey")
    with services().database.write() as session:
        services().passkeys.rename(session, signed_in().owner, str(passkey_id), name)
    flash(gettext("The passkey has a new name."))
    return see_other("/account")


@blueprint.post("/account/passkeys/<uuid:passkey_id>/remove")
def remove(passkey_id: object) -> ResponseReturnValue:
    """Forget a passkey, when the person has just used one of theirs, or signed in with their bank."""
    answer = parsed(_Removed(), request.form)["answer"]
    if not browser.proved_within(Means.BANK, _FRESH) and step_up.waits_for(signed_in().user_id, answer):
        return _asked_to_remove(str(passkey_id))
    with services().database.write() as session:
        services().passkeys.remove(session, signed_in().owner, str(passkey_id))
        note(session, Notice(What.PASSKEY_REMOVED, signed_in().user_id), services().clock())
    flash(gettext("The passkey was removed. It cannot be used here any more. Delete it on your device too."))
    return see_other("/account")


@blueprint.get("/step-up")
def ask() -> ResponseReturnValue:
    """Ask for the passkey again."""
    back = step_up.landing(parsed(_Asked(), request.args)["next"])
    allow_own_scripts()
    with services().database.read() as session:
        known = services().passkeys.of(session, signed_in().owner)
    return render_template("step_up.html", options=ceremony.to_prove(Ceremony.STEP_UP, known), back=back)


@blueprint.post("/step-up")
def confirm() -> ResponseReturnValue:
    """Take the passkey's word and lead back."""
    back = step_up.landing(parsed(_Asked(), request.form)["next"])
    step_up.prove(parsed(Answered(), request.form)["answer"])
    return see_other(back)


def _asked_to_remove(passkey_id: str) -> str:
    return page_that_asks(
        Question(
            action=f"/account/passkeys/{passkey_id}/remove",
            lead=gettext("Please use a passkey of yours before one is removed. Nothing has been changed yet."),
            button=gettext("Use my passkey and remove it"),
            back="/account",
            back_words=gettext("Keep it"),
            lost=(
                gettext("Lost your device? Sign in with your bank first. Then press Remove again."),
                "/sign-in?next=/account",
                gettext("Sign in with your bank"),
            ),
        )
    )


def shown(name: str) -> str:
    """Return what can be shown of a name."""
    return "".join(c for c in name if c.isprintable()).strip()
