"""Access history: everything the log says about a person, in plain words, grouped by day."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from broker.edge.answers import rows, unusable
from broker.edge.headers import allow_parts
from broker.edge.problems import wants_json
from broker.edge.wording import spoken
from broker.web import words
from broker.web.filters import filter_of
from broker.web.log_rows import SHORT_PAGE, FilterForm, collect, filter_query, nothing, older_query
from broker.web.timeline import Item, as_rows, items_of, read

blueprint = Blueprint("history", __name__)


@blueprint.get("/history")
def show() -> ResponseReturnValue:
    """Show every access and every change that concerns the person."""
    asked = filter_of(FilterForm(), request.args)
    if wants_json():
        reading = read(asked.wanted, collect)
        return rows(as_rows(reading), older_query(asked.wanted, reading.batch.older))
    page = _page(asked.wanted, asked.wrong)
    return unusable(page) if asked.wrong else page


def _page(wanted: dict[str, Any], wrong: dict[str, str]) -> str:
    """Show what fits; of a filter that cannot be used, the form alone."""
    allow_parts()
    reading = read(wanted, nothing if wrong else partial(collect, size=SHORT_PAGE))
    days = [_day(list(items)) for _, items in groupby(items_of(reading), key=lambda item: item.entry.at.date())]
    return render_template(
        "history.html",
        days=days,
        wanted=wanted,
        wrong=wrong,
        only=reading.grants.get(wanted["grant"] or ""),
        query=filter_query(wanted),
        newest=filter_query(wanted) if wanted["before"] is not None else None,
        older=older_query(wanted, reading.batch.older),
        names=reading.names,
        shared_with=sorted({(g.platform_id, reading.names.platform(g.platform_id)) for g in reading.grants.values()}),
        banks=sorted({(g.bank_id, reading.names.bank(g.bank_id)) for g in reading.grants.values()}),
        categories=spoken().categories,
        decisions=words.DECISIONS,
    )


def _day(items: Sequence[Item]) -> tuple[datetime, list[Item], list[Item]]:
    """Return a day's items: what happened, and how often the person looked at their own data, which stands folded."""
    others = [item for item in items if not item.is_own_view]
    return items[0].entry.at, others, [item for item in items if item.is_own_view]
