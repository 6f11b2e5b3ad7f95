"""Knows where the middle of a town is; a name that could be two towns is known as neither (see NOTICE)."""

import csv
from functools import cache
from importlib.resources import files

from broker.web.maps.outlines import Point

_STATES_COUNT_IN = "US"


def middle_of(country: str, region: str, town: str) -> Point | None:
    """Return the middle of a town, None where it is not known. The region decides in the United States alone."""
    state = region if country == _STATES_COUNT_IN else ""
    return _towns().get((country, state, town.casefold()))


@cache
def _towns() -> dict[tuple[str, str, str], Point]:
    with (files(__package__) / "towns.csv").open(encoding="utf-8") as table:
        return {
            (row["country"], row["state"], row["town"].casefold()): Point(float(row["lon"]), float(row["lat"]))
            for row in csv.DictReader(table, delimiter="|")
        }
