"""Charts of who read what on which day, counted in the log alone."""

from collections import Counter
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
from broker.web.charts import STACK, Counts, days_chart

DAYS = 30

blueprint = Blueprint("history_charts", __name__)


@blueprint.get("/history/charts")
def show() -> ResponseReturnValue:
    """Show the reads of each kind of data, day by day."""
    first_at = start_of_day(services().clock() - timedelta(days=DAYS - 1))
    with services().database.read() as session:
        counted = reader.outcomes_of_user(session, actor().user_id, first_at)
    titles = {category.name: category.title for category in spoken().categories.values()}
    first = first_at.date()
    chart = days_chart(first, first + timedelta(days=DAYS - 1), _given_and_refused(counted, list(titles)), STACK)
    return render_template("charts.html", chart=chart, titles=titles, short=_short)


def _given_and_refused(counted: Counter[tuple[date, str, bool]], names: list[str]) -> Counts:
    """Return how often each kind of data was given and how often refused, in the order of the catalogue."""
    seen = {name for _, name, _ in counted}
    ordered = [*(name for name in names if name in seen), *sorted(seen.difference(names))]
    days = {day for day, _, _ in counted}
    return {name: {day: (counted[day, name, True], counted[day, name, False]) for day in days} for name in ordered}


def _short(day: date) -> str:
    return format_date(day, "d MMM", locale=get_locale() or "en_GB")
