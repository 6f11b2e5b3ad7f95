"""Asks the policies whether a platform may ask for what it does, and which banks are able to serve it."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from broker.banks.facts import in_force
from broker.banks.service import all_banks
from broker.edge.services import services
from broker.grants.proposals import most_of
from broker.oauth.grant_action import amendable_grant
from broker.oauth.requests import Pushed
from broker.platforms.service import Platform
from broker.policy import Catalogue, Decision, PlatformFacts, Reason, RequestContext, decide
from broker.policy.terms import Terms
from broker.switches.reader import concerning
from broker.switches.views import off_categories, off_for


@dataclass(frozen=True, slots=True)
class Judgement:
    """The decision, and the ids of the banks able to serve the request: none when it is refused."""

    decision: Decision
    banks: tuple[str, ...] = ()


def most_asked(pushed: Pushed) -> Terms:
    """Return the most that a request may lead to now: with a merge, what is granted already is part of it.

    Raises:
        OAuthRefused: `invalid_grant_id`, also when the grant has ended since the request was pushed.
    """
    if pushed.amends is None:
        return pushed.terms
    grant = amendable_grant(pushed.amends.grant_id, pushed.platform_id)
    with services().database.read() as session:
        bank = in_force(session, services().catalogue, grant.bank_id).bank
    return most_of(grant, pushed.amends.action, bank.cut(pushed.terms) if bank else pushed.terms)


def judge(platform: Platform, terms: Terms) -> Judgement:
    """Judge a request at the bank it names, or at all banks when it leaves the choice to the person."""
    files = services().catalogue
    with services().database.read() as session:
        general = _decide(session, files, platform, terms, None)
        if not general.is_allowed:
            return Judgement(general)
        asked = [bank.id for bank in all_banks(session) if terms.bank in (None, bank.id)]
        rules = {bank: in_force(session, files, bank).catalogue for bank in asked}
        decisions = {bank: _decide(session, its, platform, terms, bank) for bank, its in rules.items()}
    able = tuple(bank for bank, decision in decisions.items() if decision.is_allowed)
    if able:
        return Judgement(general, able)
    unknown = Reason("bank-unknown", "request.bank", "There is no such bank here.")
    return Judgement(next(iter(decisions.values()), Decision(general.policy_digest, (unknown,))))


def _decide(session: Session, catalogue: Catalogue, platform: Platform, terms: Terms, bank_id: str | None) -> Decision:
    switches = concerning(session, bank_id, platform.id)
    bank = catalogue.banks.get(bank_id or "")
    asked = RequestContext(
        platform=PlatformFacts(platform.id, frozenset(platform.purposes), frozenset(platform.scopes)),
        terms=bank.cut(terms) if bank else terms,
        bank_id=bank_id,
        bank=bank,
        off=off_for(switches),
        off_categories=off_categories(switches),
    )
    return decide(catalogue, asked)
