"""The invented shops at which cards are used, and what a visit costs."""

import csv
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from random import Random

from broker.sandbox.people.entry import Channel

ANYWHERE = "*"


@dataclass(frozen=True, slots=True)
class Merchant:
    """A shop, website or cash machine.

    Prices run from `low` to `high` in steps; `mcc` is a category code of four characters (ISO 18245).
    """

    kind: str
    name: str
    countries: frozenset[str]
    mcc: str
    channel: Channel
    low: Decimal
    high: Decimal
    step: Decimal

    def price(self, rng: Random) -> Decimal:
        """Return what one visit costs."""
        steps = int((self.high - self.low) / self.step)
        return (self.low + self.step * rng.randint(0, steps)).quantize(Decimal("0.01"))


@cache
def merchants() -> tuple[Merchant, ...]:
    """Return all merchants in the order of the table."""
    with (files(__package__) / "merchants.csv").open(encoding="utf-8") as table:
        return tuple(_merchant(row) for row in csv.DictReader(table))


def _merchant(row: dict[str, str]) -> Merchant:
    return Merchant(
        kind=row["kind"],
        name=row["name"],
        countries=frozenset(row["countries"].split()),
        mcc=row["mcc"],
        channel=Channel(row["channel"]),
        low=Decimal(row["low"]),
        high=Decimal(row["high"]),
        step=Decimal(row["step"]),
    )


@cache
def merchants_in(country: str, kind: str) -> tuple[Merchant, ...]:
    """Return the merchants of one kind found in a country; none is a valid answer."""
    return tuple(m for m in merchants() if m.kind == kind and (country in m.countries or ANYWHERE in m.countries))
