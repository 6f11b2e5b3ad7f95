"""Charts of counts a day: small bars that the server draws, one row for each thing counted, with the numbers beside.

How to use it: `days_chart(first, last, counts)` makes a `DaysChart` of counts by name and day; the template draws it
with `{% from "macros/charts.html" import days_chart %}{{ days_chart(chart, title, names) }}` and links
`asset("css/charts.css")` in its block `styles`. `title` is the figure's caption, `names` maps what was counted to the
words that people read (what is missing stands as it is).

Each name has a row of its own on one scale for all, so that no colour has to be told from another, and the same numbers
stand in a table below the bars. The drawing holds no text and no style of its own: it scales to any width.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

STEP = 10
"""How wide one day is in the drawing's own units; a bar leaves a fifth of it free."""
HEIGHT = 40
"""How high the drawing of one row is in its own units."""
MOST_DAYS = 400
"""More days than these are no chart any more."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of one row, where it stands in the drawing, and the instant at which the day begins (UTC)."""

    at: datetime
    count: int
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Row:
    """All days on which something of one name was counted; a day without has no bar."""

    name: str
    total: int
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
    peak: int
    rows: tuple[Row, ...]
    table: tuple[Line, ...]

    @property
    def height(self) -> int:
        """Return how high one row is in the drawing's own units."""
        return HEIGHT


def days_chart(first: date, last: date, counts: Mapping[str, Mapping[date, int]]) -> DaysChart:
    """Draw the counts of each name on each day (UTC) from `first` to `last`, both included.

    Names without a count in the span are left out, days outside of it too. The rows stand highest total first.

    Raises:
        ValueError: the span is empty, or longer than `MOST_DAYS`.
    """
    span = (last - first).days + 1
    if not 1 <= span <= MOST_DAYS:
        raise ValueError(f"a chart shows 1 to {MOST_DAYS} days, not {span}")
    inside = {
        name: {day: count for day, count in of_days.items() if first <= day <= last and count > 0}
        for name, of_days in counts.items()
    }
    peak = max((count for of_days in inside.values() for count in of_days.values()), default=0)
    drawn = [_row(name, of_days, first, peak) for name, of_days in inside.items() if of_days]
    rows = tuple(sorted(drawn, key=lambda row: (-row.total, row.name)))
    counted = sorted({day for row in rows for day in inside[row.name]}, reverse=True)
    table = tuple(Line(_begins(day), tuple(inside[row.name].get(day, 0) for row in rows)) for day in counted)
    return DaysChart(_begins(first), _begins(last), span * STEP, peak, rows, table)


def _row(name: str, of_days: Mapping[date, int], first: date, peak: int) -> Row:
    bars = tuple(_bar(day, count, first, peak) for day, count in sorted(of_days.items()))
    return Row(name, sum(of_days.values()), bars)


def _bar(day: date, count: int, first: date, peak: int) -> Bar:
    height = max(2, round(count * HEIGHT / peak))  # what was counted is seen, however high the peak
    x = (day - first) // timedelta(days=1) * STEP + 1
    return Bar(_begins(day), count, x, HEIGHT - height, STEP - 2, height)


def _begins(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
