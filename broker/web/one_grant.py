"""One permission in full: its terms in words, its parts, its versions, and who changed what of it and when."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from broker.audit import reader
from broker.audit.reader import LoggedEntry
from broker.audit.vocabulary import Event
from broker.edge.answers import rows
from broker.edge.problems import wants_json
from broker.edge.services import services
from broker.edge.wording import spoken
from broker.grants.proposals import is_amendable
from broker.grants.versions import GrantVersion, versions_of_user
from broker.policy.vocabulary import ClusterState
from broker.web import facts_words, parties
from broker.web.card_rows import as_json
from broker.web.cards import Card
from broker.web.own_cards import acted_on, own_acts, own_card
from broker.web.parties import Names
from broker.web.timeline import is_about, sentence_of
from broker.web.version_words import changed

blueprint = Blueprint("one_grant", __name__)
_MOST_AT_BANK = 200
_SWITCHES = {Event.SWITCH_OFF, Event.SWITCH_ON}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened to the permission: when, in words, the reason that was given, and where it stands."""

    at: datetime
    told: str
    reason: str
    entry: LoggedEntry


@dataclass(frozen=True, slots=True)
class Version:
    """What one version said that the one before did not."""

    number: int
    at: datetime
    told: tuple[str, ...]


@blueprint.get("/my-sharing/<uuid:grant_id>")
def show(grant_id: UUID) -> ResponseReturnValue:
    """Show one permission of the person in full."""
    card = own_card(str(grant_id))
    return rows([as_json(card)]) if wants_json() else _page(card)


def _page(card: Card) -> str:
    grant = card.grant
    with services().database.read() as session:
        names = parties.names(session)
        versions = versions_of_user(session, grant.user_id).get(grant.id, ())
        flips = reader.switches_at(session, services().sealer, grant.bank_id, _MOST_AT_BANK)
        facts = reader.policy_changes_at(session, grant.bank_id, _MOST_AT_BANK)
    entries = [*own_acts().get(grant.id, ()), *(entry for entry in (*flips, *facts) if _concerns(entry, card))]
    return render_template(
        "one_grant.html",
        card=card,
        acted_on=acted_on([card]),
        fields=_fields(card),
        versions=list(_versions(versions)),
        changes=sorted(_changes(entries, names), key=lambda change: change.at, reverse=True),
        can_change=is_amendable(grant),
    )


def _fields(card: Card) -> Mapping[str, Sequence[str]]:
    """Return what exactly each kind of data lets out, at the detail and precision that was agreed to."""
    known = spoken().categories
    parts = [part for part in card.grant.categories if part.term.name in known and _stands(part.state)]
    return {part.term.name: [one.label for one in known[part.term.name].fields_in(part.term)] for part in parts}


def _stands(state: ClusterState) -> bool:
    return state is not ClusterState.REVOKED


def _versions(kept: Sequence[GrantVersion]) -> Iterator[Version]:
    """Yield the versions, newest first; the first one has nothing to be held against."""
    for before, after in reversed(list(zip([None, *kept], kept, strict=False))):
        told = tuple(changed(before, after, spoken())) if before else ()
        yield Version(after.version, after.created_at, told)


def _changes(entries: Sequence[LoggedEntry], names: Names) -> Iterator[Change]:
    for entry in entries:
        reason = str(entry.details.get("reason", "")) if entry.event in _SWITCHES else ""
        reason = reason or "; ".join(facts_words.lines(entry, spoken()))
        yield Change(entry.at, sentence_of(entry, names), reason, entry)


def _concerns(entry: LoggedEntry, card: Card) -> bool:
    """Say whether a switch, or a change at the bank, was about anything of this permission while it lived."""
    grant = card.grant
    is_within = grant.authorised_at is not None and grant.authorised_at <= entry.at
    return is_within and is_about(entry, grant) and (not card.is_past or entry.at < card.ended_at)
