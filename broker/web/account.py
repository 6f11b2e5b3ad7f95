"""Your account: who one is here, at which banks, the passkeys, and the browsers in which one is signed in."""

from flask import Blueprint, flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from marshmallow import fields
from marshmallow.validate import Length

from broker.edge import own_sessions
from broker.edge.answers import see_other
from broker.edge.gates import signed_in
from broker.edge.services import services
from broker.edge.session import ABSOLUTE, IDLE
from broker.web import parties
from broker.web.forms import Form, parsed

blueprint = Blueprint("account", __name__)


class _Ended(Form):
    session = fields.String(required=True, validate=Length(64, 64))


@blueprint.get("/account")
def show() -> ResponseReturnValue:
    """Show who is signed in, and where."""
    who, now = signed_in(), services().clock()
    with services().database.read() as session:
        names = parties.names(session)
        known = services().users.identities(session, who.user_id) if who.role is None else []
        passkeys = services().passkeys.of(session, who.owner)
        sessions = own_sessions.listed(session, who.owner, now)
    return render_template(
        "account.html",
        banks=[(names.bank(one.bank_id), one.name) for one in known]
        or [(names.bank(who.bank_id) if who.bank_id else names.platform(who.platform_id), who.name)],
        passkeys=passkeys,
        sessions=sessions,
        idle=IDLE.seconds // 60,
        longest=ABSOLUTE.seconds // 3600,
    )


@blueprint.post("/account/sessions/end")
def end_one() -> ResponseReturnValue:
    """Sign out one other browser."""
    ended = parsed(_Ended(), request.form)["session"]
    with services().database.write(from_reserve=True) as session:
        own_sessions.end(session, signed_in().owner, ended)
    flash(gettext("That browser is signed out."))
    return see_other("/account")


@blueprint.post("/account/sessions/end-others")
def end_others() -> ResponseReturnValue:
    """Sign out everywhere but here."""
    with services().database.write(from_reserve=True) as session:
        own_sessions.end_others(session, signed_in().owner)
    flash(gettext("You are signed out everywhere but here."))
    return see_other("/account")
