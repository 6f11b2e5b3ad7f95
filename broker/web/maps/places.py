"""Gathers records of card uses, as they were released, into places: nothing is made more exact than it came."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from broker.policy.minimise import Record
from broker.policy.vocabulary import Precision
from broker.web.maps.outlines import Point

_ONLINE = "online"


@dataclass(frozen=True, slots=True)
class Place:
    """One place with how often, and from when to when, a card was used there. `point` only where it was exact."""

    number: int
    precision: Precision
    country: str
    region: str
    town: str
    post_code: str
    street: str
    point: Point | None
    times: int
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Gathered:
    """Places, the most used first; and how often a card was used online, or where the bank names no country."""

    places: tuple[Place, ...]
    online: int
    nowhere: int


def gather(records: Sequence[Record]) -> Gathered:
    """Put the uses of each place together. The records are those of `card_locations`, minimised."""
    by_place: dict[tuple[object, ...], list[Record]] = {}
    located = [record for record in records if record.get("address", {}).get("country")]
    for record in located:
        by_place.setdefault(_where(record), []).append(record)
    order = sorted(by_place.values(), key=lambda uses: (-len(uses), str(_where(uses[0]))))
    places = tuple(_place(number, uses) for number, uses in enumerate(order, 1))
    online = sum(record.get("channel") == _ONLINE for record in records)
    return Gathered(places, online, len(records) - len(located) - online)


def _where(record: Record) -> tuple[object, ...]:
    point = _point(record)
    return (*(_part(record, name) for name in ("country", "region", "townName", "postCode", "streetName")), point)


def _place(number: int, uses: Sequence[Record]) -> Place:
    days = [_day(record["occurredOn"]) for record in uses]
    first = uses[0]
    return Place(
        number=number,
        precision=Precision(first["precision"]),
        country=_part(first, "country"),
        region=_part(first, "region"),
        town=_part(first, "townName"),
        post_code=_part(first, "postCode"),
        street=_part(first, "streetName"),
        point=_point(first),
        times=len(uses),
        first=min(days),
        last=max(days),
    )


def _part(record: Record, name: str) -> str:
    return str(record["address"].get(name) or "")


def _point(record: Record) -> Point | None:
    if record.get("lat") is None or record.get("lon") is None:
        return None
    lon, lat = float(record["lon"]), float(record["lat"])
    is_on_earth = -180 <= lon <= 180 and -90 <= lat <= 90  # noqa: PLR2004 - degrees of the globe
    return Point(lon, lat) if is_on_earth else None


def _day(at: date | datetime) -> date:
    return at.date() if isinstance(at, datetime) else at
