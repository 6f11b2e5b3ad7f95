"""The console's page of policy facts: what the bank offers, what it could offer at most, and who changed it when."""

from functools import partial
from typing import Any

from flask import Blueprint, flash, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from broker.audit.policy_changes import Edit, facts_entry
from broker.banks import facts as bank_facts
from broker.edge.answers import see_other, to_be_corrected
from broker.edge.gates import signed_in
from broker.edge.interaction import interaction_id
from broker.edge.problems import wants_json
from broker.edge.services import services
from broker.edge.wording import spoken
from broker.errors import InvalidRequest, NotFound, NotPermitted
from broker.grants.affected import affected
from broker.policy.catalogue import BankFacts
from broker.policy.facts import Change, change, in_force, within
from broker.policy.reasons import readable
from broker.web import drafts, facts_draft, parties
from broker.web.facts_form import FactsForm, consequences, figures_of, told, wished
from broker.web.formats import place
from broker.web.forms import parsed

blueprint = Blueprint("bank_facts", __name__)
_ADMIN = "admin"
_KEPT = frozenset(FactsForm().fields) - {"confirm"}


@blueprint.get("/console/<bank_id>/facts")
def show(bank_id: str) -> ResponseReturnValue:
    """Show the facts in force, their bounds and their history; an administrator also gets the form."""
    return _page(bank_id)


def _page(
    bank_id: str, error: InvalidRequest | None = None, sent: MultiDict[str, str] | None = None
) -> ResponseReturnValue:
    """Show the page; with an error, the form as it was sent."""
    bounds = _bounds(bank_id)
    with services().database.read() as session:
        rules = bank_facts.in_force(session, spoken(), bank_id)
        versions = bank_facts.history(session, services().sealer, bounds)
        bank = parties.bank_named(session, bank_id)
    facts = rules.catalogue.banks[bank_id]
    if wants_json() and error is None:
        return jsonify({"version": rules.version, "policy": rules.catalogue.digest, "facts": told(facts)})
    draft = facts_draft.to_be_mended(sent or MultiDict(), facts, error) if error else facts_draft.in_force(facts)
    page = render_template(
        "bank_facts.html",
        bank=bank,
        facts=facts,
        bounds=bounds,
        rules=rules,
        versions=versions,
        draft=draft,
        figures=figures_of(facts, bounds),
        told=partial(told, catalogue=spoken()),
        may_change=signed_in().role == _ADMIN,
        catalogue=spoken(),
    )
    return page if error is None else to_be_corrected(page)


@blueprint.post("/console/<bank_id>/facts")
def edit(bank_id: str) -> ResponseReturnValue:
    """Make a change that has been confirmed; anything else leads to the page that asks."""
    _refuse_looker()
    try:
        sent, facts = _wanted(bank_id, request.form)
        if sent["confirm"] is not None:
            return _made(bank_id, sent, facts)
    except InvalidRequest:  # the page that asks finds the same, and says it
        if wants_json():
            raise
    return see_other(drafts.keep(f"/console/{bank_id}/facts/confirm", request.form, _KEPT))


@blueprint.get("/console/<bank_id>/facts/confirm")
def ask(bank_id: str) -> ResponseReturnValue:
    """Say what a change would do; or show the form again, with what is wrong about it."""
    _refuse_looker()
    draft = drafts.kept(f"/console/{bank_id}/facts/confirm")
    if draft is None:
        return see_other(f"/console/{bank_id}/facts")
    try:
        return _preview(bank_id, *_wanted(bank_id, draft.sent))
    except InvalidRequest as error:
        return _page(bank_id, error, draft.sent)


def _refuse_looker() -> None:
    """Stop who may look and change nothing.

    Raises:
        NotPermitted: an auditor.
    """
    if signed_in().role != _ADMIN:
        raise NotPermitted(gettext("Only administrators of the bank can change this."))


def _wanted(bank_id: str, form: MultiDict[str, str]) -> tuple[dict[str, Any], BankFacts]:
    """Read a form, and the facts that it asks for.

    Raises:
        InvalidRequest: it cannot be accepted.
    """
    sent, bounds = parsed(FactsForm(), form), _bounds(bank_id)
    sent["reason"] = readable(sent["reason"], bank_facts.LONGEST_REASON)
    return sent, wished(sent, bounds)


def _preview(bank_id: str, sent: dict[str, Any], facts: BankFacts) -> str:
    catalogue, now = spoken(), services().clock()
    with services().database.read() as session:
        rules = bank_facts.in_force(session, catalogue, bank_id)
        changed = _changed(rules, facts, sent["version"])
        touched = affected(session, bank_id, changed, now)
        bank = parties.bank_named(session, bank_id)
    lines = consequences(changed, touched, catalogue)
    return render_template("bank_facts_confirm.html", bank=bank, sent=sent, lines=lines, touched=touched)


def _made(bank_id: str, sent: dict[str, Any], facts: BankFacts) -> AnyResponse:
    """Store and log the change in one transaction: it counts for the very next call, on every node."""
    files, now, who = spoken(), services().clock(), signed_in().name
    with services().sequencer.transaction([bank_id]) as transaction:
        session = transaction.session
        rules = bank_facts.in_force(session, files, bank_id)
        version = bank_facts.keep(
            session,
            services().sealer,
            files.banks[bank_id],
            facts,
            after=sent["version"],
            author=who,
            reason=sent["reason"],
            now=now,
        )
        new = Edit(
            bank_id=bank_id,
            version=version,
            change=_changed(rules, facts, rules.version),
            facts=facts,
            before=rules.catalogue.digest,
            after=in_force(files, facts).digest,
            files=files.digest,
            author=who,
            reason=sent["reason"],
        )
        written = transaction.append(facts_entry(new, interaction_id()))
    flash(gettext("Changed. It counts from now on, for every app."))
    flash(f"{place(written.log)}/{written.number}", "entry")
    return see_other(f"/console/{bank_id}/facts")


def _changed(rules: bank_facts.InForce, facts: BankFacts, version: int) -> Change:
    """Return what would change.

    Raises:
        InvalidRequest: nothing does, it is more than the bank may have, or the facts are not those of the form.
    """
    files = spoken().banks[facts.bank]
    if within(facts, files) != facts:
        raise InvalidRequest("This is more than the policies of the operator allow the bank.", code="facts-too-wide")
    if version != rules.version:
        raise InvalidRequest("The facts have changed meanwhile. Look at them again.", code="facts-changed")
    found = change(rules.catalogue.banks[facts.bank], facts)
    if found.is_empty:
        raise InvalidRequest("Nothing would change.", code="facts-unchanged")
    return found


def _bounds(bank_id: str) -> BankFacts:
    """Return what the bank's file allows; behind the gate, so that the bank is the visitor's own."""
    bounds = spoken().banks.get(bank_id)
    if bounds is None:
        raise NotFound(
            gettext("The operator's policy files do not name this bank: it offers nothing, and nothing can be changed.")
        )
    return bounds
