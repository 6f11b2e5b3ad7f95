"""The map of card places: what an app would be told now, asked anew for the person, because nothing old is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from babel import Locale
from babel.dates import format_date
from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext, lazy_gettext
from marshmallow import fields
from marshmallow.validate import Length

from broker.edge import wording
from broker.edge.answers import to_be_corrected
from broker.edge.gates import actor
from broker.edge.services import services
from broker.errors import BankUnavailable, BrokerError, FrequencyExceeded, NotFound, PolicyRefused, ReleaseRefused
from broker.grants.views import Grant, GrantedCategory
from broker.policy.vocabulary import ClusterState, Precision
from broker.web import parties
from broker.web.formats import territory
from broker.web.forms import Form, parsed
from broker.web.maps.drawing import Drawing, Shown, draw
from broker.web.maps.places import Gathered, Place, gather
from broker.web.parties import Names

CATEGORY = "card_locations"
_SOURCE = Locale("en", "GB")
MOST_PLACES = 300
"""How many places one map shows, the most used first; of the others it tells the number."""

SHOWN: Mapping[Shown, Any] = {
    Shown.COUNTRY: lazy_gettext("the whole country, filled"),
    Shown.STATE: lazy_gettext("the whole state, filled"),
    Shown.TOWN: lazy_gettext("a circle around the middle of the town"),
    Shown.POSTCODE_AREA: lazy_gettext("a smaller circle around the middle of the town: we know no middle of the area"),
    Shown.EXACT: lazy_gettext("a point"),
    Shown.NOT_AT_ALL: lazy_gettext("not on the map: we have no outline of it"),
}
"""How a place is drawn, in words."""

blueprint = Blueprint("release_map", __name__)


class _Wanted(Form):
    grant = fields.String(required=True, validate=Length(max=64))


@dataclass(frozen=True, slots=True)
class Told:
    """One permission that lets card places out, and how often its app was told. `is_live`: it may be asked about."""

    grant: Grant
    platform: str
    bank: str
    precision: str
    is_live: bool
    times: int
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class Map:
    """One map, and how many places are left out of it."""

    told: Told
    drawing: Drawing
    gathered: Gathered
    left_out: int


@blueprint.get("/history/map")
def show() -> ResponseReturnValue:
    """Say which apps may know card places, and offer to ask the bank what each would get now."""
    return _page(_told())


@blueprint.post("/history/map")
def look() -> ResponseReturnValue:
    """Ask the bank what the app of one permission would get now, and draw it for the person alone."""
    told = _told()
    wanted = _of(told, parsed(_Wanted(), request.form)["grant"])
    try:
        records = services().looks.at(actor(), wanted.grant.id, CATEGORY)
    except (BankUnavailable, FrequencyExceeded, PolicyRefused, ReleaseRefused) as error:
        return to_be_corrected(_page(told, problem=_problem(error, wanted)))
    return _page(_told(), drawn=_map(wanted, gather(records)))


def spoken(place: Place) -> str:
    """Write a place as exactly as it is known: `LS1, Leeds, United Kingdom`."""
    parts = (place.street, place.post_code, place.town, place.region, territory(place.country))
    return ", ".join(part for part in parts if part)


def written(day: date) -> str:
    """Write a day of the calendar: `22 November 2026`."""
    return format_date(day, "long", locale=get_locale() or _SOURCE)


def _page(told: Sequence[Told], *, drawn: Map | None = None, problem: str = "") -> str:
    return render_template(
        "release_map.html",
        told=told,
        drawn=drawn,
        problem=problem,
        spoken=spoken,
        date=written,
        shown=SHOWN,
        Shown=Shown,
    )


def _map(told: Told, gathered: Gathered) -> Map:
    seen = gathered.places[:MOST_PLACES]
    return Map(told, draw(seen), gathered, len(gathered.places) - len(seen))


def _told() -> list[Told]:
    """Read the permissions that name card places, live ones first, with what the log counts for each."""
    user_id, now = actor().user_id, services().clock()
    with services().database.read() as session:
        grants = services().grant_reader.of_user(session, user_id, now)
        names = parties.names(session)
    given = [(grant, grant.category(CATEGORY)) for grant in grants]
    told = [_one(grant, category, names) for grant, category in given if category and grant.authorised_at is not None]
    return sorted(told, key=lambda one: not one.is_live)


def _one(grant: Grant, category: GrantedCategory, names: Names) -> Told:
    titles = wording.spoken().categories[CATEGORY].precisions
    return Told(
        grant=grant,
        platform=names.platform(grant.platform_id),
        bank=names.bank(grant.bank_id),
        precision=titles[category.term.precision or Precision.COUNTRY],
        is_live=not grant.status.is_final and category.state is not ClusterState.REVOKED,
        times=category.use_count,
        last_at=category.last_use_at,
    )


def _of(told: Sequence[Told], grant_id: str) -> Told:
    found = next((one for one in told if one.grant.id == grant_id), None)
    if found is None:
        raise NotFound("There is no such permission of yours.")
    return found


def _problem(error: BrokerError, wanted: Told) -> str:
    """Say what stands in the way, in words for the person; a rule's words say themselves."""
    if error.code == "bank-sign-in-needed":
        return gettext("%(bank)s asks you to sign in again. Sign out here, then sign in with it.", bank=wanted.bank)
    if isinstance(error, BankUnavailable):
        return gettext("%(bank)s did not answer. Wait a little, then try again.", bank=wanted.bank)
    if isinstance(error, FrequencyExceeded):
        return gettext("You have looked at your data very often today. You can look again tomorrow.")
    return error.detail
