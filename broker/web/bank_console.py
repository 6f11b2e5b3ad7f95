"""The first page of the bank's console: what is stopped now, what was read and refused, what became of requests."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _
from marshmallow import fields
from marshmallow.validate import OneOf
from sqlalchemy.orm import Session

from broker.audit import receipts
from broker.audit.bank_figures import MOST_COUNTED, Figures, Funnel, figures
from broker.clock import start_of_day
from broker.edge.answers import download, unusable
from broker.edge.services import services
from broker.edge.wording import spoken
from broker.errors import NotFound
from broker.grants.agreed import shared_at
from broker.harvest.holds import holds_at
from broker.harvest.tallies import people_read
from broker.switches.reader import listed
from broker.web import console_words, parties
from broker.web.charts import DaysChart, days_chart, most_first
from broker.web.filters import filter_of
from broker.web.forms import Form
from broker.web.switch_words import for_staff

blueprint = Blueprint("bank_console", __name__)
SPANS = (7, 28, 90)
"""How many days the first page can count; the reading ends earlier where a bank has very many entries."""
_BAR = 100
STAGES = {
    "asked": _("Apps asked for permission"),
    "given": _("Customers said yes"),
    "refused": _("Customers said no"),
    "abandoned": _("Customers did not answer in time"),
    "rejected": _("Turned down by the rules"),
    "unclaimed": _("Given, but never picked up by the app"),
    "changed": _("Changed by the customer"),
    "ended_by_person": _("Stopped by the customer"),
    "ended_by_app": _("Given back by the app"),
    "ended_by_rules": _("Ended by the bank, the operator or the rules"),
    "expired": _("Ended when the time was over"),
}
"""What becomes of permissions, in the order in which it can happen."""


class SpanForm(Form):
    """The query of the first page: how many days, today included."""

    days = fields.Integer(load_default=28, validate=OneOf(SPANS))


@blueprint.get("/console/<bank_id>")
def show(bank_id: str) -> ResponseReturnValue:
    """Show how sharing goes at this bank."""
    asked = filter_of(SpanForm(), request.args)
    page = _page(bank_id, asked.wanted["days"], asked.wrong)
    return unusable(page) if asked.wrong else page


def _page(bank_id: str, days: int, wrong: dict[str, str]) -> str:
    until = start_of_day(services().clock()) + timedelta(days=1)
    first = until - timedelta(days=days)
    with services().database.read() as session:
        facts = _standing(session, bank_id)
        counted = figures(session, bank_id, first, until)
    charts = _charts(counted, first.date(), until.date() - timedelta(days=1))
    shown = {"days": days, "spans": SPANS, "counted": counted, "charts": charts, "most": MOST_COUNTED}
    reasons = [(code, console_words.REASONS.get(code, code), count) for code, count in counted.refusals.most_common()]
    return render_template(
        "bank_console.html", **facts, **shown, reasons=reasons, stages=_stages(counted.funnel), wrong=wrong
    )


@blueprint.get("/console/<bank_id>/receipts/<owner>/<year>/<int:number>")
def receipt(bank_id: str, owner: str, year: str, number: int) -> ResponseReturnValue:
    """Give the receipt of any entry of the bank's own logs."""
    if owner != bank_id:
        raise NotFound("There is no such entry in the logs of this bank.")
    with services().database.read() as session:
        found = receipts.of_log(session, receipts.log_at(session, owner, year), number)
    return download(found, f"{owner}-{year}-{number}.tlog-proof", "text/plain; charset=utf-8")


def _standing(session: Session, bank_id: str) -> dict[str, Any]:
    """Read what holds at this moment: what is off, who is held back, which permissions there are."""
    names, now = parties.names(session), services().clock()
    off = listed(session, services().sealer, bank_id)
    return {
        "bank": parties.bank_named(session, bank_id),
        "names": names,
        "off": [(one, for_staff(one.switch.target, names, spoken())) for one in off],
        "holds": holds_at(session, bank_id),
        "titles": {category.name: category.title for category in spoken().categories.values()},
        "is_served": bank_id in spoken().banks,
        "shared": shared_at(session, bank_id, now),
        "people_read": people_read(session, bank_id, now),
    }


def _charts(counted: Figures, first: date, last: date) -> dict[str, DaysChart]:
    by_category, by_platform = _counts(), _counts()
    for (day, category, platform), count in counted.reads.items():
        by_category[category][day] += count
        by_platform[platform][day] += count
    counts = {"category": by_category, "platform": by_platform}
    return {name: days_chart(first, last, most_first(of_days)) for name, of_days in counts.items()}


def _counts() -> defaultdict[str, defaultdict[date, int]]:
    return defaultdict(lambda: defaultdict(int))


def _stages(funnel: Funnel) -> list[Mapping[str, Any]]:
    """Return the steps with their counts, and how long the bar of each is: the longest has the whole width."""
    counts = {name: getattr(funnel, name) for name in STAGES}
    most = max(counts.values())
    return [
        {"words": words, "count": counts[name], "width": counts[name] * _BAR // most if most else 0}
        for name, words in STAGES.items()
    ]
