"""Asks the policies whether a platform may ask for what it does, and which banks are able to serve it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from broker.banks.facts import in_force, in_force_everywhere
from broker.banks.service import all_banks
from broker.edge.services import services
from broker.grants.proposals import most_of
from broker.oauth.grant_action import amendable_grant
from broker.oauth.requests import Pushed
from broker.platforms.service import Platform
from broker.policy import Catalogue, Decision, PlatformFacts, Reason, RequestContext, decide
from broker.policy.catalogue import BankFacts
from broker.policy.facts import in_force as with_facts
from broker.policy.terms import Terms
from broker.switches.reader import all_switches
from broker.switches.views import Switch, off_categories, off_for


@dataclass(frozen=True, slots=True)
class Judgement:
    """The decision, and the ids of the banks able to serve the request: none when it is refused.

    `unable` maps the ids of the banks that are not to the first reason of each.
    """

    decision: Decision
    banks: tuple[str, ...] = ()
    unable: Mapping[str, Reason] = field(default_factory=dict)


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
        switches = all_switches(session)
        general = _decide(files, platform, terms, None, None, switches=switches)
        if not general.is_allowed:
            return Judgement(general)
        asked = [bank.id for bank in all_banks(session) if terms.bank in (None, bank.id)]
        known = in_force_everywhere(session, files)
    decisions = {bank: _decide(files, platform, terms, bank, known.get(bank), switches=switches) for bank in asked}
    able = tuple(bank for bank, decision in decisions.items() if decision.is_allowed)
    if able:
        unable = {bank: decision.reasons[0] for bank, decision in decisions.items() if not decision.is_allowed}
        return Judgement(general, able, unable)
    unknown = Reason("bank-unknown", "request.bank", "There is no such bank here.")
    return Judgement(_refusal(files, decisions, known) or Decision(general.policy_digest, (unknown,)))


def _refusal(files: Catalogue, decisions: Mapping[str, Decision], known: Mapping[str, BankFacts]) -> Decision | None:
    """Return the first bank's decision with the digest that its facts come to; only this one is logged."""
    for bank, decision in decisions.items():
        rules = with_facts(files, known[bank]) if bank in known else files
        return replace(decision, policy_digest=rules.digest)
    return None


def _decide(
    catalogue: Catalogue,
    platform: Platform,
    terms: Terms,
    bank_id: str | None,
    bank: BankFacts | None,
    *,
    switches: Sequence[Switch],
) -> Decision:
    found = [one for one in switches if one.target.concerns(bank_id or "", platform.id)]
    asked = RequestContext(
        platform=PlatformFacts(platform.id, frozenset(platform.purposes), frozenset(platform.scopes)),
        terms=bank.cut(terms) if bank else terms,
        bank_id=bank_id,
        bank=bank,
        off=off_for(found),
        off_categories=off_categories(found),
    )
    return decide(catalogue, asked)
