"""Shows a person what one ticked box would release, out of their own data: the recipient is the person.

Trusted: the entry is durable before the bank is asked, what is shown is cut by `cut` as every release is, nothing of it
is kept, and it counts for nothing against the platform.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from broker.banks.facts import in_force
from broker.errors import ConsentRefused
from broker.grants.acts import Actor
from broker.grants.choosing import chosen_terms
from broker.grants.consents import Asker, decide_now, left_now, offered_now
from broker.grants.contents import OfferedAccount
from broker.grants.views import Grant, GrantedAccount, GrantedCategory
from broker.policy.answers import Question
from broker.policy.terms import Choice, Terms
from broker.policy.vocabulary import ClusterState, GrantStatus
from broker.release.asking import Wanted
from broker.release.cut import minimised, window_of
from broker.release.examples import example_question, is_about_one_account
from broker.release.service import Release
from broker.release.showing import MOST_A_DAY, Ready, ask_bank
from broker.release.wire import plain

MOST_SHOWN: Final = 3
"""How many records of a category a preview shows, newest first; of the others it tells the number."""

_ENDPOINT: Final = "POST /consent"


@dataclass(frozen=True, slots=True)
class Preview:
    """What an app would get of one category now. `records` are the newest in JSON's values, `total` counts all.

    `question` is the example that an answer answers, for a category that gives answers.
    """

    category: str
    records: tuple[dict[str, Any], ...]
    total: int
    question: Question | None = None


class Previews:
    """Fetches previews through the same doors as every release."""

    def __init__(self, release: Release, most_a_day: int = MOST_A_DAY) -> None:
        self._release = release
        self._most_a_day = most_a_day

    def of(
        self,
        actor: Actor,
        asker: Asker,
        proposal: Grant,
        category: str,
        choice: Choice,
        *,
        offered: Sequence[OfferedAccount],
    ) -> Preview:
        """Return what one category would release if the person ticked it and allowed the choice.

        `offered` are the accounts that the bank has just listed for this person.

        Raises:
            ConsentRefused: the request waits no longer, or the choice is empty or wider than what was asked.
            PolicyRefused: policies or switches do not allow it; that is logged.
            FrequencyExceeded: the person has had the previews of this day.
            BankUnavailable: or one of its kinds; the failure is logged.
            LogUnavailable: it could not be announced, so the bank was not asked (invariant 2).
        """
        release = self._release
        ready = self._ready(actor, asker, proposal, replace(choice, categories=(category,)), offered)
        records = ask_bank(release, actor, ready, self._most_a_day)
        rules = release.catalogue.categories[ready.wanted.category].questions
        question = example_question(rules, records, ready.window.oldest_at, ready.now) if rules else None
        wanted = replace(ready.wanted, question=question)
        shown = minimised(release.catalogue, ready.grant, wanted, records, ready.window)
        return Preview(wanted.category, tuple(map(plain, shown[:MOST_SHOWN])), len(shown), question)

    def _ready(
        self, actor: Actor, asker: Asker, proposal: Grant, choice: Choice, offered: Sequence[OfferedAccount]
    ) -> Ready:
        if proposal.status is not GrantStatus.AWAITING_AUTHORISATION:
            raise ConsentRefused("This request has already been answered.", code="consent-decided")
        release, now = self._release, self._release.clock()
        with release.database.read() as session:
            offered = offered_now(session, release.catalogue, proposal.bank_id, offered)
            left = left_now(session, release.catalogue, proposal.terms, proposal.bank_id)
            terms = chosen_terms(left, choice, proposal.bank_id, {one.account_id for one in offered})
            decision = decide_now(session, release.catalogue, asker, terms, proposal.bank_id)
            identity = release.users.at_bank(session, actor.user_id, proposal.bank_id)
            bank = in_force(session, release.catalogue, proposal.bank_id).bank
        grant = _as_chosen(proposal, terms, [one for one in offered if one.account_id in choice.accounts])
        category = terms.category_names[0]
        first = grant.accounts[0].account_id if is_about_one_account(category) else None
        wanted = Wanted(category, first)
        return Ready(grant, wanted, window_of(grant, bank, wanted, now), decision, identity, now, _ENDPOINT)


def _as_chosen(proposal: Grant, terms: Terms, picked: Sequence[OfferedAccount]) -> Grant:
    """Return the grant that a yes to this choice would make."""
    return replace(
        proposal,
        terms=terms,
        categories=tuple(GrantedCategory(term, ClusterState.ACTIVE, 0, None) for term in terms.categories),
        accounts=tuple(GrantedAccount(one.account_id, one.bank_ref, one.label, ClusterState.ACTIVE) for one in picked),
    )
