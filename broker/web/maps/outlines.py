"""Reads the outlines of countries and of the states of the United States (see NOTICE for whose they are)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import accumulate
from typing import NamedTuple

_A_HUNDREDTH = 100


class Point(NamedTuple):
    """A place on the globe, in degrees: east and north are positive."""

    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class Ring:
    """One closed line, without the first point repeated, and the box around it."""

    points: tuple[Point, ...]
    least: Point
    most: Point


@dataclass(frozen=True, slots=True)
class Outlines:
    """Rings by code: countries by ISO 3166-1 alpha-2, states of the United States by their two letters."""

    countries: dict[str, tuple[Ring, ...]]
    states: dict[str, tuple[Ring, ...]]


@cache
def outlines() -> Outlines:
    """Read the file, once a process."""
    told = json.loads((files(__package__) / "outlines.json").read_text(encoding="utf-8"))
    return Outlines(_shapes(told["countries"]), _shapes(told["states"]))


def largest(rings: Sequence[Ring]) -> Ring:
    """Return the ring with the largest box: of a country with islands far away, the mainland."""
    return max(rings, key=lambda ring: (ring.most.lon - ring.least.lon) * (ring.most.lat - ring.least.lat))


def _shapes(told: dict[str, list[list[int]]]) -> dict[str, tuple[Ring, ...]]:
    return {code: tuple(_ring(steps) for steps in rings) for code, rings in told.items()}


def _ring(steps: list[int]) -> Ring:
    lons, lats = accumulate(steps[::2]), accumulate(steps[1::2])
    points = tuple(Point(lon / _A_HUNDREDTH, lat / _A_HUNDREDTH) for lon, lat in zip(lons, lats, strict=True))
    lon, lat = [point.lon for point in points], [point.lat for point in points]
    return Ring(points, Point(min(lon), min(lat)), Point(max(lon), max(lat)))
