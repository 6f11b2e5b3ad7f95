"""The drawing of places: nothing smaller than what is known, all of it inside the picture, and light to send."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from broker.sandbox.people.towns import towns
from broker.web.maps.drawing import Shown, draw
from broker.web.maps.gazetteer import middle_of
from broker.web.maps.outlines import outlines
from broker.web.maps.places import gather
from broker.web.maps.view import WIDTH


def use(precision: str, *, lat: str | None = None, lon: str | None = None, **address: str) -> dict[str, Any]:
    told: dict[str, Any] = {"precision": precision, "occurredOn": date(2026, 11, 1), "channel": "in_store"}
    if address:
        told["address"] = address
    return told | ({"lat": Decimal(lat), "lon": Decimal(lon)} if lat and lon else {})


def shown(*records: dict[str, Any]) -> list[Shown]:
    places = gather(records).places
    return [draw(places).shown(place) for place in places]


@pytest.mark.parametrize(
    ("record", "as_what"),
    [
        (use("country", country="GB"), Shown.COUNTRY),
        (use("town", country="GB", region="ENG", townName="Leeds"), Shown.TOWN),
        (use("postcode_area", country="GB", townName="Leeds", postCode="LS1"), Shown.POSTCODE_AREA),
        (use("exact", country="GB", townName="Leeds", lat="53.8", lon="-1.5"), Shown.EXACT),
        (use("town", country="US", region="MA", townName="Nowhere At All"), Shown.STATE),
        (use("town", country="FR", townName="Nulle Part"), Shown.COUNTRY),
        (use("exact", country="GB", townName="Leeds", lat="530", lon="-1.5"), Shown.TOWN),
        (use("town", country="QQ", townName="Atlantis"), Shown.NOT_AT_ALL),
    ],
)
def test_a_place_is_drawn_as_what_is_known_of_it(record: dict[str, Any], as_what: Shown) -> None:
    assert shown(record) == [as_what]


def test_a_less_exact_place_is_never_smaller() -> None:
    records = [
        use("town", country="GB", townName="Leeds"),
        use("postcode_area", country="GB", townName="York", postCode="YO1"),
        use("exact", country="GB", townName="Bath", lat="51.38", lon="-2.36"),
    ]
    radii = {mark.shown: mark.radius for mark in draw(gather(records).places).marks}
    assert radii[Shown.TOWN] > radii[Shown.POSTCODE_AREA] > radii[Shown.EXACT]


@pytest.mark.parametrize("precision", ["country", "town", "exact"])
def test_every_place_is_inside_the_picture_and_the_picture_is_light(precision: str) -> None:
    records = [
        use(
            precision,
            country=town.country,
            region=town.region,
            townName=town.name,
            lat=str(town.lat),
            lon=str(town.lon),
        )
        if precision == "exact"
        else use(precision, country=town.country, region=town.region, townName=town.name)
        if precision == "town"
        else use(precision, country=town.country)
        for town in towns().values()
    ]
    drawing = draw(gather(records).places)
    assert drawing.hidden == ()
    assert all(0 <= mark.x <= WIDTH and 0 <= mark.y <= drawing.height for mark in drawing.marks)
    paths = [*drawing.land, *(mark.path for mark in drawing.marks if mark.path)]
    assert all(re.fullmatch(r"(M-?\d+[ -]\d+l[\d -]+z|M-?\d+-?\d+l[\d -]+z)+", path) for path in paths)
    assert sum(map(len, paths)) < 60_000


def test_uses_of_one_place_are_one_mark_and_online_has_none() -> None:
    later = use("town", country="GB", townName="Leeds") | {"occurredOn": datetime(2026, 11, 9, 23, tzinfo=UTC)}
    online = {"precision": "town", "occurredOn": date(2026, 11, 2), "channel": "online"}
    found = gather([use("town", country="GB", townName="Leeds"), later, online, use("town")])
    (place,) = found.places
    assert (place.times, place.first, place.last) == (2, date(2026, 11, 1), date(2026, 11, 9))
    assert (found.online, found.nowhere) == (1, 1)


def test_a_town_of_the_united_states_is_found_by_its_state_alone() -> None:
    assert middle_of("US", "ME", "Portland") != middle_of("US", "OR", "Portland")
    assert middle_of("US", "", "Portland") is None
    assert middle_of("AT", "9", "WIEN") is not None


def test_no_outline_leaves_the_globe() -> None:
    rings = [ring for shapes in (outlines().countries, outlines().states) for one in shapes.values() for ring in one]
    assert len(rings) > 500
    assert all(-180.5 <= ring.least.lon <= ring.most.lon <= 180.5 for ring in rings)
    assert all(abs(b.lon - a.lon) < 180 for ring in rings for a, b in zip(ring.points, ring.points[1:], strict=False))
