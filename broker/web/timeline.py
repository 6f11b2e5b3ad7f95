"""What the log says about a person, as lines in plain words: who asked, for what, what left, and why or why not."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from broker.audit import reader
from broker.audit.reader import LoggedEntry
from broker.audit.vocabulary import Event
from broker.edge.gates import actor
from broker.edge.services import services
from broker.edge.wording import spoken
from broker.grants.views import Grant
from broker.policy.catalogue import Category
from broker.policy.vocabulary import GrantStatus, Precision
from broker.switches.views import Target
from broker.web import facts_words, parties, switch_words, words
from broker.web.log_rows import Batch, as_json, paired
from broker.web.parties import Names
from broker.web.sentences import sentence
from broker.web.who_acted import who_acted


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the timeline: a headline, and what opens below it. `steps` are newest first.

    `actor` says who caused it, `changes` what a bank has changed; `fields` and `precision` say of a release what left,
    in the words of the catalogue.
    """

    entry: LoggedEntry
    actor: str
    headline: str
    tone: str
    outcome: str
    bank: str
    purpose: str
    presence: str
    question: str
    fields: list[str]
    precision: str
    reasons: list[str]
    rules: list[tuple[str, str]]
    accounts: list[str]
    closed: list[str]
    changes: list[str]
    steps: list[tuple[LoggedEntry, str]]

    @property
    def is_own_view(self) -> bool:
        """Say whether the person looked at their own data, and no app got anything."""
        return self.entry.event in {Event.ACCOUNTS_LISTED, Event.ACCESS_PREVIEWED}


@dataclass(frozen=True, slots=True)
class Reading:
    """What one look at the history has read."""

    batch: Batch
    grants: dict[str, Grant]
    names: Names


Collect = Callable[..., Batch]


def read(wanted: Mapping[str, Any], collect: Collect) -> Reading:
    """Read the entries about the signed-in person that fit; `collect` decides how many (`log_rows`)."""
    user_id = actor().user_id
    with services().database.read() as session:
        grants = services().grant_reader.of_user(session, user_id, services().clock())
        banks = {grant.bank_id for grant in grants}
        pages = partial(reader.of_user, session, services().sealer, user_id, banks=banks)
        batch = collect(pages, wanted, lambda entry: entry.subject is not None or _concerns(entry, grants))
        names = parties.names(session)
    return Reading(batch, {grant.id: grant for grant in grants}, names)


def as_rows(reading: Reading) -> list[dict[str, Any]]:
    """Return the entries as JSON values, in codes."""
    statuses = {grant_id: grant.status.value for grant_id, grant in reading.grants.items()}
    return [as_json(entry, reading.names, statuses) for entry in reading.batch.entries]


def items_of(reading: Reading) -> Iterator[Item]:
    """Put the steps of each access together and say them in words, newest first."""
    labels = _labels(reading)
    catalogue = spoken()
    for steps in paired(reading.batch.entries):
        entry = steps[0]
        tone, outcome = words.outcome(entry)
        purpose = catalogue.purposes.get(entry.purpose or "")
        category = catalogue.categories.get(entry.category or "")
        yield Item(
            entry=entry,
            actor=who_acted(entry, reading.names),
            headline=sentence_of(entry, reading.names),
            tone=tone,
            outcome=outcome,
            bank=reading.names.bank(entry.bank_id),
            purpose=purpose.title if purpose else "",
            presence=str(words.PRESENCE[entry.attended]),
            question=words.question(entry),
            fields=_fields(entry, category),
            precision=_precision(entry, category),
            reasons=[*words.reasons(entry), *([entry.details["reason"]] if "reason" in entry.details else [])],
            rules=words.rules(entry),
            accounts=_named(entry, "accounts", labels),
            closed=_named(entry, "closed", labels),
            changes=list(facts_words.lines(entry, catalogue)),
            steps=[(step, sentence_of(step, reading.names)) for step in steps],
        )


def _named(entry: LoggedEntry, detail: str, labels: Mapping[tuple[str, str], str]) -> list[str]:
    return [labels.get((entry.bank_id, ref), ref) for ref in entry.details.get(detail, ())]


def _fields(entry: LoggedEntry, category: Category | None) -> list[str]:
    labels = {field.name: field.label for field in category.fields} if category else {}
    return [labels.get(name, name) for name in entry.details.get("fields", ())]


def _precision(entry: LoggedEntry, category: Category | None) -> str:
    """Say how exact the places were that left; empty for what has no places, and once the details are erased."""
    told = entry.details.get("context", {}).get("precision")
    is_known = category is not None and told in [step.value for step in category.precisions]
    return category.precisions[Precision(told)] if category and is_known else ""


def _labels(reading: Reading) -> dict[tuple[str, str], str]:
    """Return what the person calls each account, by bank and either id: accesses name the bank's, acts the grant's."""
    return {
        (grant.bank_id, ref): account.label
        for grant in reading.grants.values()
        for account in grant.accounts
        for ref in (account.account_id, account.bank_ref)
    }


def sentence_of(entry: LoggedEntry, names: Names) -> str:
    """Say in one sentence, to the person, what an entry is about."""
    if entry.event in {Event.SWITCH_OFF, Event.SWITCH_ON}:
        return switch_words.of_entry(entry, names, spoken())
    platform, bank = names.platform(entry.platform_id), names.bank(entry.bank_id)
    return sentence(entry, platform=platform, bank=bank, catalogue=spoken())


def _concerns(entry: LoggedEntry, grants: Sequence[Grant]) -> bool:
    """Say whether a switch, or a change at a bank, was about anything that the person shared at that time."""
    return any(is_about(entry, grant) for grant in grants if _lived(grant, entry.at))


def is_about(entry: LoggedEntry, grant: Grant) -> bool:
    """Say whether a switch at the permission's bank, or a change there, is about any part of it."""
    if entry.event is Event.POLICY_CHANGED:
        return facts_words.touches(entry, grant)
    target = Target(entry.bank_id, entry.platform_id or "", entry.category or "")
    is_part = not target.category or grant.category(target.category) is not None
    return is_part and target.concerns(grant.bank_id, grant.platform_id)


def _lived(grant: Grant, at: datetime) -> bool:
    ended_at = grant.status_at if _has_been_ended(grant) else grant.expires_at
    return grant.authorised_at is not None and grant.authorised_at <= at < ended_at


def _has_been_ended(grant: Grant) -> bool:
    return grant.status.is_final and grant.status is not GrantStatus.EXPIRED
