"""Turns degrees into the units of a picture: equirectangular, true to scale along the middle of what is shown."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from broker.web.maps.outlines import Point, Ring

WIDTH = 1_120
_FLATTEST, _TALLEST = 0.45, 0.72  # height by width
_AIR = 1.3  # around what is to be seen
_LEAST_DEGREES = 6.0  # nearer the outlines would look more exact than they are
_WORLD = (Point(-170.0, -56.0), Point(180.0, 78.0))
_MANY_DEGREES = 180.0
_STEEPEST = 0.35  # near a pole a picture would grow without end
_BEYOND = 12.0  # a line along the edge must not be seen
_TOO_NEAR = 3

Spot = tuple[float, float]


@dataclass(frozen=True, slots=True)
class View:
    """The part of the globe that a picture shows. `scale` is units for a degree of latitude."""

    middle: Point
    scale: float
    squeeze: float
    height: int

    def at(self, point: Point) -> Spot:
        """Return where a point of the globe stands in the picture."""
        x = (point.lon - self.middle.lon) * self.squeeze * self.scale + WIDTH / 2
        return x, (self.middle.lat - point.lat) * self.scale + self.height / 2

    def path(self, rings: Sequence[Ring]) -> str:
        """Return rings as the data of an SVG path, cut at the picture's edges and rounded; empty when out of sight."""
        return "".join(self._drawn(ring) for ring in rings if self._is_in_sight(ring))

    def _is_in_sight(self, ring: Ring) -> bool:
        left, top = self.at(Point(ring.least.lon, ring.most.lat))
        right, bottom = self.at(Point(ring.most.lon, ring.least.lat))
        is_large = right - left > _TOO_NEAR or bottom - top > _TOO_NEAR
        return is_large and right > 0 and bottom > 0 and left < WIDTH and top < self.height

    def _drawn(self, ring: Ring) -> str:
        spots: list[Spot] = [self.at(point) for point in ring.points]
        for axis, edge, sign in ((0, -_BEYOND, 1), (0, WIDTH + _BEYOND, -1), (1, -_BEYOND, 1)):
            spots = _cut(spots, axis, edge, sign)
        return _path(_cut(spots, 1, self.height + _BEYOND, -1))


def around(points: Sequence[Point]) -> View:
    """Return the view that shows all these points with some air around them; of none, or of most, the whole world."""
    least, most = _WORLD
    air = 1.0
    if points:
        lons, lats = [point.lon for point in points], [point.lat for point in points]
        if max(lons) - min(lons) < _MANY_DEGREES:
            least, most, air = Point(min(lons), min(lats)), Point(max(lons), max(lats)), _AIR
    middle = Point((least.lon + most.lon) / 2, (least.lat + most.lat) / 2)
    squeeze = max(_STEEPEST, math.cos(math.radians(middle.lat))) if air > 1 else 1.0
    high = max(_LEAST_DEGREES, (most.lat - least.lat) * air)
    wide = max(_LEAST_DEGREES, (most.lon - least.lon) * air * squeeze)
    height = round(WIDTH * min(_TALLEST, max(_FLATTEST, high / wide)))
    return View(middle, min(WIDTH / wide, height / high), squeeze, height)


def _cut(spots: list[Spot], axis: int, edge: float, sign: int) -> list[Spot]:
    """Cut a ring at one edge (Sutherland and Hodgman); `sign` is 1 where larger values stay, else -1."""
    kept: list[Spot] = []
    for before, spot in zip([*spots[-1:], *spots[:-1]], spots, strict=True):
        was_in, is_in = (sign * (one[axis] - edge) >= 0 for one in (before, spot))
        if was_in != is_in:
            share = (edge - before[axis]) / (spot[axis] - before[axis])
            kept.append((before[0] + share * (spot[0] - before[0]), before[1] + share * (spot[1] - before[1])))
        if is_in:
            kept.append(spot)
    return kept


def _path(spots: list[Spot]) -> str:
    rounded: list[tuple[int, int]] = []
    for x, y in spots:
        here = (round(x), round(y))
        if not rounded or abs(here[0] - rounded[-1][0]) + abs(here[1] - rounded[-1][1]) >= _TOO_NEAR:
            rounded.append(here)
    if len(rounded) < len("abc"):
        return ""
    steps = (f"{b[0] - a[0]} {b[1] - a[1]}" for a, b in pairwise(rounded))
    return f"M{rounded[0][0]} {rounded[0][1]}l{' '.join(steps)}z".replace(" -", "-")
