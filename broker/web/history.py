"""Access history: everything the log says about a person, in plain words, grouped by day."""

from functools import partial
from itertools import groupby

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from broker.edge.answers import rows
from broker.edge.problems import wants_json
from broker.edge.wording import spoken
from broker.web import words
from broker.web.forms import parsed
from broker.web.log_rows import SHORT_PAGE, FilterForm, collect, filter_query, older_query
from broker.web.timeline import as_rows, items_of, read

blueprint = Blueprint("history", __name__)


@blueprint.get("/history")
def show() -> ResponseReturnValue:
    """Show every access and every change that concerns the person."""
    wanted = parsed(FilterForm(), request.args)
    reading = read(wanted, collect if wants_json() else partial(collect, size=SHORT_PAGE))
    older = older_query(wanted, reading.batch.older)
    if wants_json():
        return rows(as_rows(reading), older)
    days = [(day, list(items)) for day, items in groupby(items_of(reading), key=lambda item: item.entry.at.date())]
    return render_template(
        "history.html",
        days=days,
        wanted=wanted,
        query=filter_query(wanted),
        newest=filter_query(wanted) if wanted["before"] is not None else None,
        older=older,
        names=reading.names,
        shared_with=sorted({(g.platform_id, reading.names.platform(g.platform_id)) for g in reading.grants.values()}),
        banks=sorted({(g.bank_id, reading.names.bank(g.bank_id)) for g in reading.grants.values()}),
        categories=spoken().categories,
        decisions=words.DECISIONS,
    )
