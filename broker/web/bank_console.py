"""The bank's console: who accessed which of the bank's own customers' data, for what, under which grant."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from broker.audit import reader, receipts
from broker.audit.reader import LoggedEntry
from broker.audit.vocabulary import Event
from broker.clock import start_of_day
from broker.edge.answers import download, rows
from broker.edge.gates import signed_in
from broker.edge.problems import wants_json
from broker.edge.services import services
from broker.errors import NotFound, NotPermitted
from broker.grants.agreed import people_who_agreed_at
from broker.harvest.holds import holds_at
from broker.harvest.tallies import people_read
from broker.web import parties, words
from broker.web.forms import parsed
from broker.web.log_rows import FilterForm, as_json, collect, filter_query, older_query

blueprint = Blueprint("bank_console", __name__)


@blueprint.get("/console/<bank_id>")
def show(bank_id: str) -> ResponseReturnValue:
    """Show the accesses to the data of this bank's customers."""
    if signed_in().bank_id != bank_id or signed_in().role is None:
        raise NotPermitted("You are signed in as staff of another bank.")
    wanted = {**parsed(FilterForm(), request.args), "held_by": None}
    facts = _read(bank_id, wanted)
    if wants_json():
        return rows([_json(entry, facts) for entry in facts["entries"]], older_query(wanted, facts["older"]))
    return render_template(
        "bank_console.html",
        bank_id=bank_id,
        wanted=wanted,
        is_filtered=bool(filter_query(wanted)),
        newest=filter_query(wanted) if wanted["before"] is not None else None,
        categories=services().catalogue.categories,
        purposes=services().catalogue.purposes,
        today=_today(facts["entries"]),
        events=words.EVENTS,
        decisions=words.DECISIONS,
        rules=words.rules,
        **{**facts, "older": older_query(wanted, facts["older"])},
    )


@blueprint.get("/console/<bank_id>/receipts/<owner>/<year>/<int:number>")
def receipt(bank_id: str, owner: str, year: str, number: int) -> ResponseReturnValue:
    """Give the receipt of any entry of the bank's own logs."""
    if owner != bank_id:
        raise NotFound("There is no such entry in the logs of this bank.")
    with services().database.read() as session:
        found = receipts.of_log(session, receipts.log_at(session, owner, year), number)
    return download(found, f"{owner}-{year}-{number}.tlog-proof", "text/plain; charset=utf-8")


def _read(bank_id: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Read the bank's own rows; `customers` maps a pseudonym to the bank's word for its customer, where it is known."""
    with services().database.read() as session:
        bank = parties.bank_named(session, bank_id)
        batch = collect(lambda page: reader.of_bank(session, services().sealer, bank.id, page), wanted)
        ids = {entry.grant_id for entry in batch.entries if entry.grant_id}
        statuses = services().grant_reader.statuses(session, ids, services().clock())
        names = parties.names(session)
        held = holds_at(session, bank.id)
        read = people_read(session, bank.id, services().clock())
        agreed = people_who_agreed_at(session, bank.id, services().clock())
    known = [entry for entry in batch.entries if "customer" in entry.details]
    return {
        "bank": bank,
        "entries": batch.entries,
        "older": batch.older,
        "names": names,
        "holds": held,
        "people_read": read,
        "agreed": agreed,
        "statuses": {grant_id: status.value for grant_id, status in statuses.items()},
        "customers": {entry.subject: entry.details["customer"] for entry in known},
    }


def _json(entry: LoggedEntry, facts: Mapping[str, Any]) -> dict[str, Any]:
    row = as_json(entry, facts["names"], facts["statuses"])
    return {**row, "customer": facts["customers"].get(entry.subject, entry.subject)}


def _today(entries: list[LoggedEntry]) -> list[tuple[str, int, int]]:
    """Count today's releases and refusals of each category among the rows shown."""
    midnight = start_of_day(services().clock())
    counts: Counter[tuple[str, bool]] = Counter(
        (entry.category, entry.event is Event.ACCESS_RELEASED)
        for entry in entries
        if entry.category and entry.at >= midnight and entry.event in {Event.ACCESS_RELEASED, Event.ACCESS_REFUSED}
    )
    names = sorted({name for name, _ in counts})
    return [(name, counts[name, True], counts[name, False]) for name in names]
