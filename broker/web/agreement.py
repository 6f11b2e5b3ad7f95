"""The receipt of a consent: what the person agreed to, in words, out of the log's own entry, with its proof."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from marshmallow import fields
from marshmallow.validate import Range
from sqlalchemy.orm import Session

from broker.audit import reader, receipts
from broker.audit.reader import LoggedEntry
from broker.audit.vocabulary import Event
from broker.edge.gates import actor
from broker.edge.services import services
from broker.edge.wording import spoken
from broker.errors import NotFound
from broker.grants.contents import ONE_TIME_LIFE
from broker.grants.views import Grant
from broker.policy import Catalogue
from broker.policy.catalogue import Category, Field
from broker.policy.terms import CategoryTerm, Terms
from broker.web import parties
from broker.web.forms import Form, parsed
from broker.web.proposals import Proposal, own_proposal

blueprint = Blueprint("agreement", __name__)
_AGREED = (Event.GRANT_APPROVED, Event.GRANT_AMENDED)
_MOST_VERSIONS = 10_000


class _Which(Form):
    version = fields.Integer(load_default=None, validate=Range(1, _MOST_VERSIONS))


@dataclass(frozen=True, slots=True)
class AgreedCategory:
    """One kind of data that was agreed to. `category` is None where the policies no longer know it."""

    name: str
    category: Category | None
    step: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Agreement:
    """What stands in one entry of the log about a consent. `terms` is None once its details were erased."""

    version: int
    entry: LoggedEntry
    terms: Terms | None
    categories: tuple[AgreedCategory, ...]
    accounts: tuple[str, ...]
    notice: Mapping[str, Any]

    @property
    def ends_at(self) -> datetime | None:
        """Return when it was to end by itself, None when that is not known any more."""
        if self.terms is None:
            return None
        days = self.terms.duration_days
        return self.entry.at + (ONE_TIME_LIFE if days is None else timedelta(days=days))


@blueprint.get("/consent/<uuid:grant_id>/receipt")
def show(grant_id: UUID) -> ResponseReturnValue:
    """Show what the person agreed to: of a grant the newest version, of a request for a change that version."""
    proposal = own_proposal(str(grant_id))
    version = parsed(_Which(), request.args)["version"]
    with services().database.read() as session:
        entries = _entries(session, proposal.asked)
        found = _agreement(session, proposal.asked, entries, version or _version_of(proposal, entries))
        names = parties.names(session)
    platform, bank = names.platform(proposal.asked.platform_id), names.bank(proposal.asked.bank_id)
    return render_template(
        "agreement.html",
        grant=proposal.asked,
        agreement=found,
        versions=len(entries),
        purpose=spoken().purposes.get(proposal.asked.terms.purpose),
        platform=platform,
        bank=bank,
    )


def _entries(session: Session, grant: Grant) -> list[LoggedEntry]:
    """Return the entries by which the person agreed, oldest first: the first is of version 1, and so on."""
    acts = reader.acts_of_user(session, grant.user_id, _AGREED, _MOST_VERSIONS)
    return [entry for entry in reversed(acts) if entry.grant_id == grant.id]


def _version_of(proposal: Proposal, entries: list[LoggedEntry]) -> int:
    """Return which version a request has become; of a grant the newest."""
    if proposal.amendment is None:
        return len(entries)
    since = proposal.decided_from
    if since is None or proposal.asked.authorised_at is None:
        return 0
    return next((number for number, entry in enumerate(entries, 1) if entry.at >= since), 0)


def _agreement(session: Session, grant: Grant, entries: list[LoggedEntry], version: int) -> Agreement:
    if not 1 <= version <= len(entries):
        raise NotFound("You have not agreed to this, so there is no receipt of it.")
    entry = entries[version - 1]
    disclosed = receipts.disclosures_of_person(session, services().sealer, actor().user_id, entry.log, entry.number)
    details = {one.name: one.value for one in disclosed}
    terms = Terms.from_json(details["terms"]) if "terms" in details else None
    labels = {account.account_id: account.label for account in grant.accounts}
    return Agreement(
        version=version,
        entry=entry,
        terms=terms,
        categories=tuple(_categories(spoken(), terms)) if terms else (),
        accounts=tuple(labels.get(account, account) for account in details.get("accounts", ())),
        notice=details.get("notice", {}),
    )


def _categories(catalogue: Catalogue, terms: Terms) -> Iterator[AgreedCategory]:
    for term in terms.categories:
        category = catalogue.categories.get(term.name)
        shown = category.fields_in(term) if category else ()
        yield AgreedCategory(term.name, category, _step(category, term), shown)


def _step(category: Category | None, term: CategoryTerm) -> str:
    if term.detail is not None:
        return category.details.get(term.detail, term.detail.value) if category else term.detail.value
    if term.precision is not None:
        return category.precisions.get(term.precision, term.precision.value) if category else term.precision.value
    return ""
