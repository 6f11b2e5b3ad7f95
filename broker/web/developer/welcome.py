"""Lets people of platforms in by the operator's one-time link. Opening it uses nothing up: a preview may do that."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from marshmallow import fields
from marshmallow.validate import Length

from broker.edge.answers import see_other
from broker.edge.services import services
from broker.edge.visitor import Means, sign_in
from broker.errors import SignInRefused
from broker.platforms import people
from broker.platforms import service as platforms
from broker.platforms.people import PlatformPerson
from broker.web.developer.visitors import visitor_of
from broker.web.forms import Form, parsed

blueprint = Blueprint("developer_welcome", __name__)


class _Link(Form):
    link = fields.String(required=True, validate=Length(max=200))


@blueprint.get("/developers")
def show() -> ResponseReturnValue:
    """Say what is here for developers, and lead those who are signed in to their own pages."""
    return render_template("developer/welcome.html")


@blueprint.get("/developers/sign-in")
def ask() -> ResponseReturnValue:
    """Ask whoever opened a link whether they want to sign in by it."""
    link = parsed(_Link(), request.args)["link"]
    with services().database.read() as session:
        person = people.invited(session, link, services().clock())
        platform = platforms.find(session, person.platform_id) if person else None
    if person is None or platform is None:
        raise _refused()
    return render_template("developer/sign_in.html", link=link, person=person, platform=platform)


@blueprint.post("/developers/sign-in")
def enter() -> ResponseReturnValue:
    """Use the link up and sign the person in."""
    person = _let_in(parsed(_Link(), request.form)["link"])
    sign_in(visitor_of(person), Means.LINK)
    return see_other(f"/developers/{person.platform_id}/overview")


def _let_in(link: str) -> PlatformPerson:
    with services().database.write() as session:
        person = people.let_in(session, link, services().clock())
    if person is None:
        raise _refused()
    return person


def _refused() -> SignInRefused:
    return SignInRefused(
        "This link lets nobody in: it was used, is more than a day old, or is not one of ours. "
        "Ask the operator of the broker for a new one.",
        code="one-time-link-refused",
    )
