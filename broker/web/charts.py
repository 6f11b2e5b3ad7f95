"""Charts of counts a day: small bars that the server draws, with the numbers beside.

How to use it: `days_chart(first, last, counts)` makes a `DaysChart` of counts by name and day. A page links
`asset("css/charts.css")` in its block `styles` and draws the chart with a macro of `macros/charts.html`: `days_chart`
has all rows in one figure, `stacked_bars` one row in a drawing of its own.

Each name has a row of its own on one scale for all, so that no colour has to be told from another, and the same numbers
stand in a table below the bars. What is counted in several kinds, as given and refused, stands one upon the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

MOST_DAYS = 400
"""More days than these are no chart any more."""

Counts = Mapping[str, Mapping[date, tuple[int, ...]]]
"""What was counted: by name and day, one number for each kind."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The size of a drawing in its own units: a day is `step` wide, its bar stands `margin` in and is `bar` wide.

    The highest count is `height` high; what was counted at all is at least `least`, however high the others.
    """

    step: int
    margin: int
    bar: int
    height: int
    least: int


ROW = Scale(step=10, margin=1, bar=8, height=40, least=2)
STACK = Scale(step=24, margin=0, bar=20, height=140, least=3)


@dataclass(frozen=True, slots=True)
class Part:
    """What one kind has of a bar. `y` counts from the top."""

    count: int
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of one row, where it stands in the drawing, and the instant at which the day begins (UTC)."""

    at: datetime
    x: int
    width: int
    parts: tuple[Part, ...]

    @property
    def count(self) -> int:
        """Return what was counted on this day, of all kinds."""
        return sum(part.count for part in self.parts)


@dataclass(frozen=True, slots=True)
class Row:
    """All days on which something of one name was counted; a day without has no bar. `totals` has one for each kind."""

    name: str
    totals: tuple[int, ...]
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: a day and the counts of all rows in their order."""

    at: datetime
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DaysChart:
    """Rows of bars from the first day to the last, both included. `peak` is the highest count of one row on one day."""

    first_at: datetime
    last_at: datetime
    width: int
    height: int
    peak: int
    rows: tuple[Row, ...]
    table: tuple[Line, ...]

    @property
    def days(self) -> int:
        """Return how many days the chart has, with a bar or without."""
        return (self.last_at - self.first_at).days + 1


def days_chart(first: date, last: date, counts: Counts, scale: Scale = ROW) -> DaysChart:
    """Draw the counts of each name on each day (UTC) from `first` to `last`, both included, in the order of the names.

    Names without a count in the span are left out, days outside of it too.

    Raises:
        ValueError: the span is empty, or longer than `MOST_DAYS`.
    """
    span = (last - first).days + 1
    if not 1 <= span <= MOST_DAYS:
        raise ValueError(f"a chart shows 1 to {MOST_DAYS} days, not {span}")
    inside = {
        name: {day: kinds for day, kinds in of_days.items() if first <= day <= last and any(kinds)}
        for name, of_days in counts.items()
    }
    peak = max((sum(kinds) for of_days in inside.values() for kinds in of_days.values()), default=0)
    rows = tuple(_row(name, of_days, first, peak, scale) for name, of_days in inside.items() if of_days)
    counted = sorted({day for row in rows for day in inside[row.name]}, reverse=True)
    table = tuple(Line(_begins(day), tuple(sum(inside[row.name].get(day, ())) for row in rows)) for day in counted)
    return DaysChart(_begins(first), _begins(last), span * scale.step, scale.height, peak, rows, table)


def most_first(counts: Mapping[str, Mapping[date, int]]) -> Counts:
    """Return counts of one kind with the highest total first."""
    ordered = sorted(counts.items(), key=lambda one: (-sum(one[1].values()), one[0]))
    return {name: {day: (count,) for day, count in of_days.items()} for name, of_days in ordered}


def _row(name: str, of_days: Mapping[date, tuple[int, ...]], first: date, peak: int, scale: Scale) -> Row:
    bars = tuple(
        Bar(_begins(day), (day - first).days * scale.step + scale.margin, scale.bar, _parts(kinds, peak, scale))
        for day, kinds in sorted(of_days.items())
    )
    return Row(name, tuple(map(sum, zip(*of_days.values(), strict=True))), bars)


def _parts(kinds: tuple[int, ...], peak: int, scale: Scale) -> tuple[Part, ...]:
    parts, top = [], scale.height
    for count in kinds:
        height = max(scale.least, round(count * scale.height / peak)) if count else 0
        top -= height
        parts.append(Part(count, top, height))
    return tuple(parts)


def _begins(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
