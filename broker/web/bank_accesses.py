"""The console's access log: who accessed which customer's data, filtered, and one entry in full with its proof."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from broker.audit import bank_log, reader
from broker.audit.bank_log import After
from broker.audit.reader import LoggedEntry
from broker.banks.service import Bank
from broker.edge.answers import rows, unusable
from broker.edge.headers import allow_parts
from broker.edge.problems import wants_json
from broker.edge.services import services
from broker.edge.wording import spoken
from broker.errors import NotFound
from broker.web import console_words, entry_proof, parties, words
from broker.web.console_filter import AccessForm, before_of, customers, query_of, wanted_of
from broker.web.filters import Filter, filter_of
from broker.web.log_rows import as_json
from broker.web.parties import Names

blueprint = Blueprint("bank_accesses", __name__)
_ROWS, _JSON_ROWS = 25, 200
"""How many entries a page holds: on a phone each is a card of its own; and how many a program gets at once."""
MOST_LOOKED_AT = 5_000
"""How many entries are looked at for one page; a filter that fits fewer goes on with the link to older ones."""


@dataclass(frozen=True, slots=True)
class _Found:
    """One page of the log. `customers` maps a pseudonym to the bank's word for its customer, where it is known."""

    bank: Bank
    names: Names
    entries: list[LoggedEntry]
    customers: Mapping[str, str]
    statuses: Mapping[str, str]
    looked_at: int
    older: After | None


@blueprint.get("/console/<bank_id>/log")
def show(bank_id: str) -> ResponseReturnValue:
    """Show the accesses to the data of this bank's customers, and every change."""
    asked = filter_of(AccessForm(), request.args)
    if wants_json():
        return _as_rows(_read(bank_id, asked.wanted, _JSON_ROWS), asked.wanted)
    page = _page(_read(bank_id, asked.wanted, 0 if asked.wrong else _ROWS), asked)
    return unusable(page) if asked.wrong else page


def _page(found: _Found, asked: Filter) -> str:
    """Show what fits; of a filter that cannot be used, the form alone."""
    allow_parts()
    sent = asked.wanted
    return render_template(
        "bank_log.html",
        found=found,
        sent=sent,
        wrong=asked.wrong,
        query=query_of(sent),
        newest=query_of(sent) if sent["before"] is not None else None,
        older=None if found.older is None else query_of(sent, found.older),
        categories=[(one.name, one.title) for one in spoken().categories.values()],
        purposes=[(code, purpose.title) for code, purpose in spoken().purposes.items()],
        happened=[(event.value, said) for event, said in words.EVENTS.items()],
        events=words.EVENTS,
        decisions=words.DECISIONS,
        reasons=console_words.REASONS,
        reasons_of=console_words.reasons,
    )


@blueprint.get("/console/<bank_id>/entries/<owner>/<year>/<int:number>")
def entry(bank_id: str, owner: str, year: str, number: int) -> ResponseReturnValue:
    """Show one entry of the bank's own logs in full, with the other steps of the same access and its proof."""
    if owner != bank_id:
        raise NotFound("There is no such entry in the logs of this bank.")
    return render_template("bank_entry.html", words=words, told=console_words, **_entry(bank_id, year, number))


def _entry(bank_id: str, year: str, number: int) -> dict[str, Any]:
    with services().database.read() as session:
        row = bank_log.entry_at(session, bank_id, year, number)
        (shown,) = reader.with_details(session, services().sealer, [row])
        known = customers(session, services().users, bank_id, {shown.subject} if shown.subject else set())
        grants = services().grant_reader.statuses(session, {shown.grant_id or ""}, services().clock())
        return {
            "bank": parties.bank_named(session, bank_id),
            "names": parties.names(session),
            "entry": shown,
            "leaf": row.leaf.decode(),
            "steps": [reader.logged(step, {}) for step in bank_log.of_same_access(session, row)],
            "customer": known.get(shown.subject or "", shown.subject),
            "status": grants.get(shown.grant_id or ""),
            "proof": entry_proof.of(session, services(), shown.log, number),
        }


def _read(bank_id: str, sent: Mapping[str, Any], most: int) -> _Found:
    with services().database.read() as session:
        bank = parties.bank_named(session, bank_id)
        wanted = wanted_of(session, bank.id, sent)
        part = bank_log.matching(session, bank.id, wanted, before=before_of(sent), rows=most, most=MOST_LOOKED_AT)
        entries = list(reader.with_details(session, services().sealer, part.rows))
        grants = {entry.grant_id for entry in entries if entry.grant_id}
        statuses = services().grant_reader.statuses(session, grants, services().clock())
        return _Found(
            bank=bank,
            names=parties.names(session),
            entries=entries,
            customers=customers(
                session, services().users, bank.id, {entry.subject for entry in entries if entry.subject}
            ),
            statuses={grant_id: status.value for grant_id, status in statuses.items()},
            looked_at=part.looked_at,
            older=part.older,
        )


def _as_rows(found: _Found, sent: Mapping[str, Any]) -> Response:
    told = [
        {
            **as_json(entry, found.names, found.statuses),
            "customer": found.customers.get(entry.subject or "", entry.subject),
        }
        for entry in found.entries
    ]
    return rows(told, None if found.older is None else query_of(sent, found.older))
