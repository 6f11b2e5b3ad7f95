"""Draws places as exact as they were released: a country or state as its whole shape, a town as a circle, a point.

Trusted with the truth of the picture: a place is never drawn smaller than what is known of it. The middle of a town
stands for the town, and where no middle is known the whole state or country does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from broker.policy.vocabulary import Precision
from broker.web.maps.gazetteer import middle_of
from broker.web.maps.outlines import Point, Ring, largest, outlines
from broker.web.maps.places import Place
from broker.web.maps.view import WIDTH, View, around

_STATES_FROM_SCALE = 9.0  # units a degree: below, the borders of states are a tangle
_STATES_OF = "US"
_RADIUS = {Precision.TOWN: 24, Precision.POSTCODE_AREA: 15, Precision.EXACT: 7}
_TRUE_RADIUS = {Precision.TOWN: 0.1, Precision.POSTCODE_AREA: 0.03, Precision.EXACT: 0.0}  # degrees: about 11 and 3 km


class Shown(StrEnum):
    """How a place is drawn."""

    COUNTRY = "country"
    STATE = "state"
    TOWN = "town"
    POSTCODE_AREA = "postcode_area"
    EXACT = "exact"
    NOT_AT_ALL = "none"


@dataclass(frozen=True, slots=True)
class Mark:
    """One place in the picture: a `path` to fill, or a circle of this radius at x and y; its number stands there."""

    place: Place
    shown: Shown
    x: int
    y: int
    radius: int = 0
    path: str = ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture: `land` is what lies below, `marks` what is drawn on it, the exact ones last; `hidden` has no shape."""

    width: int
    height: int
    land: tuple[str, ...]
    marks: tuple[Mark, ...]
    hidden: tuple[Place, ...]

    def shown(self, place: Place) -> Shown:
        """Say how a place is drawn."""
        return next((mark.shown for mark in self.marks if mark.place == place), Shown.NOT_AT_ALL)


@dataclass(frozen=True, slots=True)
class _Located:
    """A place with what stands for it on the globe: a point, or rings."""

    place: Place
    shown: Shown
    point: Point | None = None
    rings: tuple[Ring, ...] = ()

    @property
    def corners(self) -> tuple[Point, ...]:
        if self.point is not None:
            return (self.point,)
        ring = largest(self.rings)
        return ring.least, ring.most


def draw(places: Sequence[Place]) -> Drawing:
    """Draw places on as much of the globe as they need."""
    located = [_located(place) for place in places]
    seen = [one for one in located if one.shown is not Shown.NOT_AT_ALL]
    view = around([corner for one in seen for corner in one.corners])
    marks = sorted((_mark(view, one) for one in seen), key=lambda mark: (not mark.path, -mark.radius))
    hidden = tuple(one.place for one in located if one.shown is Shown.NOT_AT_ALL)
    return Drawing(WIDTH, view.height, tuple(_land(view)), tuple(marks), hidden)


def _located(place: Place) -> _Located:
    if place.point is not None:
        return _Located(place, Shown.EXACT, place.point)
    if place.town:
        middle = middle_of(place.country, place.region, place.town)
        if middle is not None:
            return _Located(place, Shown.POSTCODE_AREA if place.post_code else Shown.TOWN, middle)
    if place.country == _STATES_OF and (state := outlines().states.get(place.region)):
        return _Located(place, Shown.STATE, rings=state)
    country = outlines().countries.get(place.country, ())
    return _Located(place, Shown.COUNTRY if country else Shown.NOT_AT_ALL, rings=country)


def _mark(view: View, one: _Located) -> Mark:
    if one.point is not None:
        x, y = view.at(one.point)
        precision = Precision(one.shown.value)
        radius = max(_RADIUS[precision], round(_TRUE_RADIUS[precision] * view.scale))
        return Mark(one.place, one.shown, round(x), round(y), radius)
    least, most = one.corners
    x, y = view.at(Point((least.lon + most.lon) / 2, (least.lat + most.lat) / 2))
    return Mark(one.place, one.shown, round(x), round(y), path=view.path(one.rings))


def _land(view: View) -> Iterator[str]:
    """Yield the outlines in sight: of the United States, its states when they are large enough to be told apart."""
    has_states = view.scale >= _STATES_FROM_SCALE
    shapes = [rings for code, rings in outlines().countries.items() if not (has_states and code == _STATES_OF)]
    shapes += outlines().states.values() if has_states else ()
    yield from filter(None, (view.path(rings) for rings in shapes))
