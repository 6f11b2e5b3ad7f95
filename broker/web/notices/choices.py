"""What we tell you: for each topic and way on or off, the address for mails, and the link that confirms it."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext
from marshmallow import fields
from marshmallow.validate import Length, OneOf

from broker.edge.answers import see_other
from broker.edge.gates import signed_in
from broker.edge.services import services
from broker.errors import InvalidRequest
from broker.notices.addresses import LONGEST_ADDRESS
from broker.notices.choices import choose, is_fixed, wanted
from broker.notices.vocabulary import Topic, Way
from broker.web.forms import Form, parsed

blueprint = Blueprint("notices", __name__)
_PAGE = "/account/notices"
_ALL = {f"{topic}.{way}": (topic, way) for topic in Topic for way in Way}
TOPICS: Mapping[Topic, tuple[Any, Any]] = {
    Topic.GIVEN: (lazy_gettext("Permissions given"), lazy_gettext("When an app gets a new permission.")),
    Topic.EXACT_PLACES: (
        lazy_gettext("Exact places"),
        lazy_gettext("When an app may see exactly where your cards are used."),
    ),
    Topic.SIGN_IN: (
        lazy_gettext("Your account"),
        lazy_gettext("Passkeys, linked banks, and the address for e-mails."),
    ),
    Topic.UNUSUAL: (
        lazy_gettext("Unusual reading"),
        lazy_gettext("When an app reads after a long silence, too often, or more than is ordinary."),
    ),
    Topic.ENDED: (lazy_gettext("Permissions ended"), lazy_gettext("By you, by the app, by us, or by time.")),
    Topic.ENDING: (lazy_gettext("Permissions that end soon"), lazy_gettext("30 days and 7 days before.")),
    Topic.CHANGED: (
        lazy_gettext("Permissions changed"),
        lazy_gettext("When one is changed, renewed, paused or resumed."),
    ),
    Topic.SWITCHED: (
        lazy_gettext("Switched off and on"),
        lazy_gettext("When your bank or we stop sharing for a while, and when it goes on."),
    ),
    Topic.REMINDER: (lazy_gettext("Reminder"), lazy_gettext("Every 90 days, which apps may see your data.")),
}


class _Chosen(Form):
    on = fields.List(fields.String(validate=OneOf([*_ALL])), load_default=list)


class _Address(Form):
    address = fields.String(required=True, validate=Length(max=LONGEST_ADDRESS))


class _Key(Form):
    key = fields.String(required=True, validate=Length(max=100))


@blueprint.get("/account/notices")
def show() -> ResponseReturnValue:
    """Show what the person is told, and where."""
    return _page()


@blueprint.post("/account/notices")
def keep() -> ResponseReturnValue:
    """Keep what the person wants to be told."""
    chosen = {_ALL[name] for name in parsed(_Chosen(), request.form)["on"]}
    with services().database.write() as session:
        choose(session, signed_in().user_id, chosen)
    flash(gettext("Your choices were saved."))
    return see_other(_PAGE)


@blueprint.post("/account/notices/address")
def ask() -> ResponseReturnValue:
    """Send a link to an address, which counts once its reader has followed it."""
    sent, now = parsed(_Address(), request.form)["address"].strip(), services().clock()
    if services().mailing is None:
        raise InvalidRequest("This broker sends no e-mails.", code="mail-not-offered")
    try:
        with services().database.write() as session:
            services().addresses.ask(session, signed_in().user_id, sent, now)
    except InvalidRequest as error:
        return _page(problem=gettext(error.wording), sent=sent), 400
    flash(gettext("We sent a link to this address. Open it within 24 hours."))
    return see_other(_PAGE)


@blueprint.post("/account/notices/address/remove")
def remove() -> ResponseReturnValue:
    """Forget the address."""
    with services().database.write() as session:
        services().addresses.remove(session, signed_in().user_id, services().clock())
    flash(gettext("The address was removed. You get no more e-mails."))
    return see_other(_PAGE)


@blueprint.get("/account/notices/confirm")
def offer() -> ResponseReturnValue:
    """Ask whether the address is meant; whatever opens links in mails by itself confirms nothing."""
    return render_template("notices_confirm.html", key=parsed(_Key(), request.args)["key"])


@blueprint.post("/account/notices/confirm")
def confirm() -> ResponseReturnValue:
    """Take the address as the person's."""
    key = parsed(_Key(), request.form)["key"]
    try:
        with services().database.write() as session:
            services().addresses.confirm(session, signed_in().user_id, key, services().clock())
    except InvalidRequest as error:
        return _page(problem=gettext(error.wording)), 400
    flash(gettext("The address was confirmed. From now on we write to it."))
    return see_other(_PAGE)


def _page(problem: str = "", sent: str = "") -> str:
    with services().database.read() as session:
        chosen = wanted(session, signed_in().user_id)
        recipient = services().addresses.of(session, signed_in().user_id, services().clock())
    return render_template(
        "notices.html",
        topics=[(topic, *said) for topic, said in TOPICS.items()],
        ways=[(Way.INBOX, gettext("Inbox")), (Way.MAIL, gettext("E-mail"))],
        chosen=chosen,
        is_fixed=is_fixed,
        recipient=recipient,
        has_mail=services().mailing is not None,
        problem=problem,
        sent=sent,
    )
