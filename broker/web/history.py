"""Access history: everything the log says about a person, in plain words, grouped by day."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import groupby
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from broker.audit import reader
from broker.audit.reader import LoggedEntry
from broker.audit.vocabulary import Event
from broker.edge.answers import rows
from broker.edge.gates import actor
from broker.edge.problems import wants_json
from broker.edge.services import services
from broker.grants.views import Grant
from broker.policy.vocabulary import GrantStatus
from broker.switches.views import Target
from broker.web import parties, switch_words, words
from broker.web.forms import parsed
from broker.web.log_rows import Batch, FilterForm, as_json, collect, filter_query, older_query, paired
from broker.web.parties import Names

blueprint = Blueprint("history", __name__)


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the timeline: a headline, and what opens below it. `steps` are newest first."""

    entry: LoggedEntry
    headline: str
    tone: str
    outcome: str
    bank: str
    purpose: str
    presence: str
    question: str
    reasons: list[str]
    rules: list[tuple[str, str]]
    accounts: list[str]
    steps: list[tuple[LoggedEntry, str]]


@dataclass(frozen=True, slots=True)
class _Reading:
    """What one look at the history has read."""

    batch: Batch
    grants: dict[str, Grant]
    names: Names


@blueprint.get("/history")
def show() -> ResponseReturnValue:
    """Show every access and every change that concerns the person."""
    wanted = parsed(FilterForm(), request.args)
    reading = _read(wanted)
    older = older_query(wanted, reading.batch.older)
    if wants_json():
        return rows(_json(reading), older)
    days = [(day, list(items)) for day, items in groupby(_items(reading), key=_day_of)]
    return render_template(
        "history.html",
        days=days,
        wanted=wanted,
        is_filtered=bool(filter_query(wanted)),
        newest=filter_query(wanted) if wanted["before"] is not None else None,
        older=older,
        names=reading.names,
        shared_with=sorted({(g.platform_id, reading.names.platform(g.platform_id)) for g in reading.grants.values()}),
        banks=sorted({(g.bank_id, reading.names.bank(g.bank_id)) for g in reading.grants.values()}),
        categories=services().catalogue.categories,
        decisions=words.DECISIONS,
    )


def _read(wanted: Mapping[str, Any]) -> _Reading:
    user_id = actor().user_id
    with services().database.read() as session:
        grants = services().grant_reader.of_user(session, user_id, services().clock())
        banks = {grant.bank_id for grant in grants}
        read = partial(reader.of_user, session, services().sealer, user_id, banks=banks)
        batch = collect(read, wanted, lambda entry: entry.subject is not None or _concerns(entry, grants))
        names = parties.names(session)
    return _Reading(batch, {grant.id: grant for grant in grants}, names)


def _json(reading: _Reading) -> list[dict[str, Any]]:
    statuses = {grant_id: grant.status.value for grant_id, grant in reading.grants.items()}
    return [as_json(entry, reading.names, statuses) for entry in reading.batch.entries]


def _items(reading: _Reading) -> Iterator[Item]:
    labels = _labels(reading)
    catalogue = services().catalogue
    for steps in paired(reading.batch.entries):
        entry = steps[0]
        tone, outcome = words.outcome(entry)
        purpose = catalogue.purposes.get(entry.purpose or "")
        yield Item(
            entry=entry,
            headline=_sentence(entry, reading.names),
            tone=tone,
            outcome=outcome,
            bank=reading.names.bank(entry.bank_id),
            purpose=purpose.title if purpose else "",
            presence=words.PRESENCE[entry.attended],
            question=words.question(entry),
            reasons=[*words.reasons(entry), *([entry.details["reason"]] if "reason" in entry.details else [])],
            rules=words.rules(entry),
            accounts=[labels.get((entry.bank_id, ref), ref) for ref in entry.details.get("accounts", ())],
            steps=[(step, _sentence(step, reading.names)) for step in steps],
        )


def _labels(reading: _Reading) -> dict[tuple[str, str], str]:
    """Return what the person calls each account, by bank and either id: accesses name the bank's, acts the grant's."""
    return {
        (grant.bank_id, ref): account.label
        for grant in reading.grants.values()
        for account in grant.accounts
        for ref in (account.account_id, account.bank_ref)
    }


def _concerns(entry: LoggedEntry, grants: Sequence[Grant]) -> bool:
    """Say whether a switch was about anything that the person shared at that time."""
    target = Target(entry.bank_id, entry.platform_id or "", entry.category or "")
    return any(
        target.concerns(grant.bank_id, grant.platform_id)
        and grant.authorised_at is not None
        and grant.authorised_at <= entry.at < (grant.status_at if _has_been_ended(grant) else grant.expires_at)
        and (not target.category or grant.category(target.category) is not None)
        for grant in grants
    )


def _has_been_ended(grant: Grant) -> bool:
    return grant.status.is_final and grant.status is not GrantStatus.EXPIRED


def _sentence(entry: LoggedEntry, names: Names) -> str:
    if entry.event in {Event.SWITCH_OFF, Event.SWITCH_ON}:
        return switch_words.of_entry(entry, names, services().catalogue)
    platform, bank = names.platform(entry.platform_id), names.bank(entry.bank_id)
    return words.sentence(entry, platform=platform, bank=bank, catalogue=services().catalogue)


def _day_of(item: Item) -> date:
    return item.entry.at.date()
