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
from broker.web.forms import Form, parsed
from broker.web.passkeys import ceremony, step_up
from broker.web.passkeys.challenges import Ceremony
from broker.web.passkeys.sign_in import Answered

blueprint = Blueprint("passkeys", __name__)
_FRESH = timedelta(minutes=10)
_LONGEST_NAME = 60


class _Made(Answered):
    name = fields.String(load_default="", validate=Length(max=_LONGEST_NAME))


class _Renamed(Form):
    name = fields.String(required=True, validate=Length(1, _LONGEST_NAME))


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
    sent = parsed(_Made(), request.form)
    if not browser.proved_within(Means.BANK, _FRESH):
        raise SignInRequired("A new passkey needs a new sign-in with your bank.", code="sign-in-not-fresh")
    made, now = ceremony.registered(sent["answer"]), services().clock()
    with services().database.write() as session:
        name = _shown(sent["name"]) or gettext("Passkey")
        services().passkeys.add(session, signed_in().owner, made, name, now)
    flash(gettext("Your passkey was added. You can sign in with it next time."))
    return see_other("/account")


@blueprint.post("/account/passkeys/<uuid:passkey_id>/rename")
def rename(passkey_id: object) -> ResponseReturnValue:
    """Call a passkey otherwise."""
    name = _shown(parsed(_Renamed(), request.form)["name"]) or gettext("Passkey")
    with services().database.write() as session:
        services().passkeys.rename(session, signed_in().owner, str(passkey_id), name)
    flash(gettext("The passkey has a new name."))
    return see_other("/account")


@blueprint.post("/account/passkeys/<uuid:passkey_id>/remove")
def remove(passkey_id: object) -> ResponseReturnValue:
    """Forget a passkey."""
    with services().database.write() as session:
        services().passkeys.remove(session, signed_in().owner, str(passkey_id))
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


def _shown(name: str) -> str:
    return "".join(c for c in name if c.isprintable()).strip()
