"""The passkeys of somebody of a platform: made once a link of the operator let them in, and signed in with afterwards.

Each is their own. Whoever the operator shuts out has a passkey that opens nothing.
"""

from datetime import timedelta
from uuid import UUID

from flask import Blueprint, flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from broker.edge import visitor as browser
from broker.edge.answers import see_other
from broker.edge.gates import signed_in
from broker.edge.headers import allow_own_scripts
from broker.edge.services import services
from broker.edge.visitor import Means
from broker.errors import SignInRequired
from broker.web.developer import facts
from broker.web.forms import parsed
from broker.web.passkeys import ceremony
from broker.web.passkeys.routes import Made, shown

blueprint = Blueprint("developer_passkeys", __name__)
_FRESH = timedelta(minutes=10)


@blueprint.get("/developers/<platform_id>/passkeys")
def show(platform_id: str) -> ResponseReturnValue:
    """Show the person's own passkeys, and offer another one to somebody who has just signed in."""
    who = signed_in()
    with services().database.read() as session:
        known = services().passkeys.of(session, who.owner)
    options = None
    if _is_fresh():
        allow_own_scripts()
        options = ceremony.to_register(who.owner, who.name, known)
    told = facts.named(platform_id)
    return render_template("developer/passkeys.html", passkeys=known, options=options, **told)


@blueprint.post("/developers/<platform_id>/passkeys")
def add(platform_id: str) -> ResponseReturnValue:
    """Keep the passkey that the browser has made."""
    sent = parsed(Made(), request.form)
    _check_fresh()
    made = ceremony.registered(sent["answer"])
    with services().database.write() as session:
        name = shown(sent["name"]) or gettext("Passkey")
        services().passkeys.add(session, signed_in().owner, made, name, services().clock())
    flash(gettext("Your passkey was added. You can sign in with it next time."))
    return see_other(f"/developers/{platform_id}/passkeys")


@blueprint.post("/developers/<platform_id>/passkeys/<uuid:passkey_id>/remove")
def remove(platform_id: str, passkey_id: UUID) -> ResponseReturnValue:
    """Forget a passkey of theirs."""
    _check_fresh()
    with services().database.write() as session:
        services().passkeys.remove(session, signed_in().owner, str(passkey_id))
    flash(gettext("The passkey was removed. It cannot be used here any more. Delete it on your device too."))
    return see_other(f"/developers/{platform_id}/passkeys")


def _is_fresh() -> bool:
    return browser.proved_within(Means.LINK, _FRESH) or browser.proved_within(Means.PASSKEY, _FRESH)


def _check_fresh() -> None:
    if not _is_fresh():
        raise SignInRequired(
            "For this you must have signed in within the last ten minutes: with a passkey, or by a new link of the "
            "operator.",
            code="sign-in-not-fresh",
        )
