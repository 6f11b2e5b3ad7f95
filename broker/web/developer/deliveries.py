"""The page of a platform's deliveries: which events went to it, which wait, which were given up and can go again."""

from typing import Any

from flask import Blueprint, flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext
from marshmallow import fields
from marshmallow.validate import Length, OneOf

from broker.edge.answers import rows, see_other, unusable
from broker.edge.problems import wants_json
from broker.edge.services import services
from broker.events import streams
from broker.events.letters import letters, replay
from broker.events.vocabulary import DeliveryState
from broker.web.developer import facts
from broker.web.filters import filter_of
from broker.web.forms import Form, parsed

blueprint = Blueprint("developer_deliveries", __name__)

_ROWS = 50


class _Filter(Form):
    state = fields.String(validate=OneOf([state.value for state in DeliveryState]), load_default=None)
    before = fields.String(validate=Length(1, 36), load_default=None)


class _Retry(Form):
    jti = fields.String(required=True, validate=Length(1, 36))


@blueprint.get("/developers/<platform_id>/deliveries")
def show(platform_id: str) -> ResponseReturnValue:
    """Show the events for this platform, newest first, with how each went."""
    asked = filter_of(_Filter(), request.args)
    found = _found(platform_id, asked.wanted)
    if wants_json():
        return rows([one.as_json() for one in found["letters"]], found["older"])
    shown = {**found, "wrong": asked.wrong} | ({"letters": [], "older": None} if asked.wrong else {})
    page = render_template("developer/deliveries.html", **shown, **facts.named(platform_id))
    return unusable(page) if asked.wrong else page


@blueprint.post("/developers/<platform_id>/deliveries")
def retry(platform_id: str) -> ResponseReturnValue:
    """Send one event again that was given up; another platform's is as if there were none."""
    jti = parsed(_Retry(), request.form)["jti"]
    with services().database.write() as session:
        replay(session, [jti], platform_id, services().clock())
    flash(gettext("The event will be sent again."))
    return see_other(f"/developers/{platform_id}/deliveries")


def _found(platform_id: str, wanted: dict[str, Any]) -> dict[str, Any]:
    state = DeliveryState(wanted["state"]) if wanted["state"] else None
    with services().database.read() as session:
        stream = streams.find(session, platform_id)
        found = letters(session, receiver=platform_id, state=state, before=wanted["before"], limit=_ROWS + 1)
        dead = len(letters(session, receiver=platform_id, state=DeliveryState.DEAD, limit=1_000))
    older = None
    if len(found) > _ROWS:
        found = found[:_ROWS]
        older = {"before": found[-1].jti} | ({"state": wanted["state"]} if wanted["state"] else {})
    told = ngettext("%(num)s event was given up.", "%(num)s events were given up.", dead) if dead else ""
    return {
        "stream": stream,
        "letters": found,
        "older": older,
        "wanted": wanted,
        "given_up": told,
        "states": _states(),
    }


def _states() -> dict[str, str]:
    return {
        DeliveryState.WAITING.value: gettext("Waiting"),
        DeliveryState.TAKEN.value: gettext("Taken"),
        DeliveryState.DEAD.value: gettext("Given up"),
    }
