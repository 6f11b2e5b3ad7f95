"""Places and codes that card transactions carry, the same rules whatever a standard calls the fields."""

import re
from dataclasses import dataclass
from typing import Final

from broker.banks.connector import Channel, Place
from broker.banks.connectors import values
from broker.banks.connectors.fields import Fields

SOURCE: Final = "bank_extension"
CHANNELS: Final = {channel.value: channel for channel in Channel}
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_CATEGORY_CODE: Final = re.compile(r"[0-9]{4}")


@dataclass(frozen=True, slots=True)
class PlaceNames:
    """What a standard calls the members of an address and of a point."""

    country: str
    region: str
    town: str
    post_code: str
    street: str
    lat: str
    lon: str


def place(channel: Channel, address: Fields | None, geo: Fields | None, names: PlaceNames) -> Place | None:
    """Read where a card was presented; None online, and where the bank names no country.

    Raises: BankInvalidAnswer
    """
    if channel is Channel.ONLINE or address is None:
        return None
    return Place(
        country=address.get(names.country, country),
        region=address.find(names.region, values.text),
        town=address.find(names.town, values.text),
        post_code=address.find(names.post_code, values.text),
        street=address.find(names.street, values.text),
        lat=None if geo is None else geo.get(names.lat, lambda value: values.degrees(value, 90)),
        lon=None if geo is None else geo.get(names.lon, lambda value: values.degrees(value, 180)),
    )


def currency(value: object) -> str:
    """Read an ISO 4217 code.

    Raises: ValueError
    """
    return values.pattern(value, _CURRENCY)


def country(value: object) -> str:
    """Read an ISO 3166-1 alpha-2 code.

    Raises: ValueError
    """
    return values.pattern(value, _COUNTRY)


def category_code(value: object) -> str:
    """Read an ISO 18245 merchant category code; text, because "0742" keeps its zero.

    Raises: ValueError
    """
    return values.pattern(value, _CATEGORY_CODE)
