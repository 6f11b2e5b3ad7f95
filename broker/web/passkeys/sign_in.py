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
from broker.platforms import people
from broker.platforms.people import PlatformPerson
from broker.users.passkeys import OwnerKind, Passkey
from broker.web.developer.visitors import visitor_of
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
    if passkey.owner.kind is OwnerKind.PLATFORM:
        person = _developer(passkey)
        browser.sign_in(visitor_of(person), Means.PASSKEY)
        return see_other(f"/developers/{person.platform_id}/overview")
    browser.sign_in(_visitor_of(passkey), Means.PASSKEY)
    return see_other("/my-sharing")


def _developer(passkey: Passkey) -> PlatformPerson:
    with services().database.read() as session:
        person = people.find(session, passkey.owner.id)
    if person is None:  # the operator has shut them out, or their app is gone
        raise PasskeyRefused("This passkey is not known here. It may have been removed.", code="passkey-unknown")
    return person


def _visitor_of(passkey: Passkey) -> Visitor:
    """Greet the person as the bank does that confirmed them when it was made: unlinking that bank ends the session."""
    owner = passkey.owner
    with services().database.read() as session:
        identities = services().users.identities(session, owner.id)
    if not identities:
        raise PasskeyRefused
    identity = next((one for one in identities if one.bank_id == passkey.bank_id), identities[0])
    return Visitor(identity.bank_id, identity.name, user_id=owner.id)
