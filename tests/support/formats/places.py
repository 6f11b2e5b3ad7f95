"""Where a card was used: the same in every standard but for the names of the members."""

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema

from broker.banks.connector import Channel, Place
from tests.support.formats.forms import Row
from tests.support.formats.values import Degrees, Words, country

CHANNELS = {"in_store": Channel.IN_STORE, "online": Channel.ONLINE, "atm": Channel.ATM}

PlaceOf = Callable[[Mapping[str, Any]], Place | None]


def geography(names: str) -> tuple[type[Schema], type[Schema], PlaceOf]:
    """Return the schemas of an address and of a point, and what reads the place of a card use.

    `names` are the seven members in the standard's words: country, region, town, postcode, street; latitude, longitude.
    """
    of_country, *of_words, of_lat, of_lon = names.split()
    parts = ("region", "town", "post_code", "street")
    words = {part: Words(name, maybe=True) for part, name in zip(parts, of_words, strict=True)}
    address = Row.from_dict({"country": country(of_country), **words})
    point = Row.from_dict({"lat": Degrees(of_lat, 90), "lon": Degrees(of_lon, 180)})
    return address, point, _place_of


def _place_of(acceptor: Mapping[str, Any]) -> Place | None:
    """Online there is no place, and without a country none is known; then nothing of it is looked at."""
    if acceptor["channel"] is Channel.ONLINE or acceptor["address"] is None:
        return None
    point = acceptor["point"]() if acceptor["point"] else {"lat": None, "lon": None}
    return Place(**acceptor["address"](), **point)
