"""The style guide: every part that pages are made of, in every state, drawn by the macros that pages use."""

from datetime import date, timedelta

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from broker.edge.services import services
from broker.errors import NotFound
from broker.settings import Mode
from broker.web.charts import STACK, days_chart
from broker.web.formats import day

blueprint = Blueprint("styleguide", __name__)
_FIRST = date(2026, 5, 1)
_LAST = _FIRST + timedelta(days=29)
_READS = {"balances": {_FIRST: (12,), _LAST: (3,)}, "long": {_FIRST: (1,)}}
_OUTCOMES = {"balances": {_FIRST: (4, 2), _LAST: (0, 1)}}


@blueprint.get("/styleguide")
def show() -> ResponseReturnValue:
    """Show all parts, in a sandbox; elsewhere there is no such page.

    Raises:
        NotFound: this is not a sandbox.
    """
    if services().settings.mode is not Mode.SANDBOX:
        raise NotFound
    reads, nothing = days_chart(_FIRST, _LAST, _READS), days_chart(_FIRST, _LAST, {})
    outcomes = days_chart(_FIRST, _LAST, _OUTCOMES, STACK)
    return render_template("styleguide.html", reads=reads, nothing=nothing, outcomes=outcomes, day=day)
