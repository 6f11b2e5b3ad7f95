"""Charts of who read what on which day, counted in the log alone."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

from babel.dates import format_date
from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from broker.audit import reader
from broker.clock import start_of_day
from broker.edge.gates import actor
from broker.edge.services import services
from broker.edge.wording import spoken

DAYS = 30
WIDTH, HEIGHT = 720, 140
_LEAST_SEEN = 3

blueprint = Blueprint("history_charts", __name__)


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of a chart: how often the data was given, and how often refused; with their heights."""

    day: date
    given: int
    refused: int
    x: int
    given_height: int
    refused_height: int


@dataclass(frozen=True, slots=True)
class Chart:
    """One kind of data over the days. `most` is the highest day of all charts, which all are drawn by."""

    name: str
    title: str
    bars: tuple[Bar, ...]
    given: int
    refused: int


@blueprint.get("/history/charts")
def show() -> ResponseReturnValue:
    """Show the reads of each kind of data, day by day."""
    since_at = start_of_day(services().clock() - timedelta(days=DAYS - 1))
    with services().database.read() as session:
        counts = reader.outcomes_of_user(session, actor().user_id, since_at)
    days = [since_at.date() + timedelta(days=number) for number in range(DAYS)]
    charts = _charts(counts, days)
    most = max((bar.given + bar.refused for chart in charts for bar in chart.bars), default=0)
    words = {"date": _written, "short": _short}
    return render_template("charts.html", charts=charts, days=days, most=most, width=WIDTH, height=HEIGHT, **words)


def _charts(counts: Counter[tuple[date, str, bool]], days: list[date]) -> list[Chart]:
    most = max((_on(counts, day, name) for day, name, _ in counts), default=0)
    titles = {category.name: category.title for category in spoken().categories.values()}
    names = [*titles, *sorted({name for _, name, _ in counts} - titles.keys())]
    seen = {name for _, name, _ in counts}
    return [_chart(counts, name, titles.get(name, name), days, most) for name in names if name in seen]


def _chart(counts: Counter[tuple[date, str, bool]], name: str, title: str, days: list[date], most: int) -> Chart:
    bars = tuple(
        Bar(
            day=day,
            given=counts[day, name, True],
            refused=counts[day, name, False],
            x=number * (WIDTH // DAYS),
            given_height=_height(counts[day, name, True], most),
            refused_height=_height(counts[day, name, False], most),
        )
        for number, day in enumerate(days)
    )
    return Chart(name, title, bars, sum(bar.given for bar in bars), sum(bar.refused for bar in bars))


def _on(counts: Counter[tuple[date, str, bool]], day: date, name: str) -> int:
    return counts[day, name, True] + counts[day, name, False]


def _height(count: int, most: int) -> int:
    """Return a bar's height: what happened at all can be seen."""
    return max(_LEAST_SEEN, round(count / most * HEIGHT)) if count else 0


def _written(day: date) -> str:
    return format_date(day, "long", locale=get_locale() or "en_GB")


def _short(day: date) -> str:
    return format_date(day, "d MMM", locale=get_locale() or "en_GB")
