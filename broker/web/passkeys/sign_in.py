"""Signing in with a passkey: it opens the same pages as a sign-in with the bank, and lets no new data flow.

A consent needs the bank's own sign-in all the same: a passkey brings no credential that could fetch data.
"""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from marshmallow import fields
from marshmallow.validate import Length

from broker.edge import visitor as browser
from broker.edge.answers import see_other
from broker.edge.headers import allow_own_scripts
from broker.edge.services import services
from broker.edge.visitor import Means, Visitor
from broker.errors import PasskeyRefused
from broker.users.passkeys import Owner, OwnerKind
from broker.web.forms import Form, parsed
from broker.web.passkeys import ceremony
from broker.web.passkeys.challenges import Ceremony

blueprint = Blueprint("passkey_sign_in", __name__)


class Answered(Form):
    """What the browser sends of a passkey."""

    answer = fields.String(required=True, validate=Length(max=ceremony.LONGEST_ANSWER))


@blueprint.get("/sign-in/passkey")
def ask() -> ResponseReturnValue:
    """Ask for a passkey."""
    allow_own_scripts()
    return render_template("passkey_sign_in.html", options=ceremony.to_prove(Ceremony.SIGN_IN))


@blueprint.post("/sign-in/passkey")
def enter() -> ResponseReturnValue:
    """Make the visitor of this browser the one whose passkey it is."""
    passkey = ceremony.proved(Ceremony.SIGN_IN, parsed(Answered(), request.form)["answer"])
    browser.sign_in(_visitor_of(passkey.owner), Means.PASSKEY)
    return see_other("/my-sharing")


def _visitor_of(owner: Owner) -> Visitor:
    """Greet the person by the name that the bank told last."""
    if owner.kind is not OwnerKind.USER:
        raise PasskeyRefused("This passkey belongs to another kind of account.", code="passkey-unknown")
    with services().database.read() as session:
        identities = services().users.identities(session, owner.id)
    if not identities:
        raise PasskeyRefused
    return Visitor(identities[0].bank_id, identities[0].name, user_id=owner.id)
