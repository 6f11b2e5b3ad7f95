"""The towns in which people live and travel, and a terminal's exact place in one of them."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random

from broker.sandbox.people.entry import Place

EURO_AREA = frozenset({"AT", "DE", "ES", "FR", "IE", "IT", "NL", "PT"})


@dataclass(frozen=True, slots=True)
class Town:
    """A town with its centre in decimal degrees and its standard distance from UTC in hours (no summer time)."""

    key: str
    name: str
    region: str
    country: str
    lat: float
    lon: float
    utc_offset: int
    post_codes: tuple[str, ...]
    streets: tuple[str, ...]


@cache
def towns() -> dict[str, Town]:
    """Return all towns by key."""
    with (files(__package__) / "towns.csv").open(encoding="utf-8") as table:
        return {row["key"]: _town(row) for row in csv.DictReader(table)}


def _town(row: dict[str, str]) -> Town:
    return Town(
        key=row["key"],
        name=row["town"],
        region=row["region"],
        country=row["country"],
        lat=float(row["lat"]),
        lon=float(row["lon"]),
        utc_offset=int(row["utc_offset"]),
        post_codes=tuple(row["post_codes"].split(";")),
        streets=tuple(row["streets"].split(";")),
    )


def branch_place(town: Town, merchant: str) -> Place:
    """Return where a merchant's branch in this town stands: always the same spot, within a kilometre of the centre."""
    rng = Random(f"branch:{town.key}:{merchant}")
    return Place(
        country=town.country,
        region=town.region,
        town=town.name,
        post_code=rng.choice(town.post_codes),
        street=f"{rng.choice(town.streets)} {rng.randint(1, 180)}",
        lat=f"{town.lat + rng.uniform(-0.008, 0.008):.4f}",
        lon=f"{town.lon + rng.uniform(-0.008, 0.008):.4f}",
    )
