"""Shows a person what one ticked box would release, out of their own data: the recipient is the person.

Trusted: the entry is durable before the bank is asked, what is shown is cut by `cut` as every release is, nothing of it
is kept, and it counts for nothing against the platform.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from broker.audit.vocabulary import Entry, Event, Initiator
from broker.banks.connector import Window
from broker.banks.facts import in_force
from broker.clock import rfc3339, seconds_left_of_day, start_of_day
from broker.errors import BrokerError, ConsentRefused, FrequencyExceeded, PolicyRefused
from broker.grants.acts import Actor
from broker.grants.choosing import chosen_terms
from broker.grants.consents import Asker, decide_now, left_now, offered_now, raise_if_refused
from broker.grants.contents import OfferedAccount
from broker.grants.views import Grant, GrantedAccount, GrantedCategory
from broker.policy import Decision
from broker.policy.answers import Question
from broker.policy.terms import Choice, Terms
from broker.policy.vocabulary import ClusterState, GrantStatus
from broker.release.asking import Wanted, new_access_id
from broker.release.cut import minimised, window_of
from broker.release.examples import example_question, is_about_one_account
from broker.release.records import WINDOWED
from broker.release.service import Release
from broker.release.wire import plain
from broker.storage.single_use import Claim, Loss, claim
from broker.switches.condition import StaysOn
from broker.users.service import Identity

MOST_SHOWN: Final = 3
"""How many records of a category a preview shows, newest first; of the others it tells the number."""

MOST_A_DAY: Final = 40
"""How many previews a person gets at one bank on a day (UTC), over all requests of all platforms."""

_NAMESPACE = "preview"
_USED_UP = "preview-limit"
_ENDPOINT: Final = "POST /consent"
_SWITCHED_OFF = "The bank or the operator has turned this off for now. Nothing was asked of the bank."
_TOO_OFTEN = "You have looked at your data here very often today. You can still decide, and look again tomorrow."


@dataclass(frozen=True, slots=True)
class Preview:
    """What an app would get of one category now. `records` are the newest in JSON's values, `total` counts all.

    `question` is the example that an answer answers, for a category that gives answers.
    """

    category: str
    records: tuple[dict[str, Any], ...]
    total: int
    question: Question | None = None


@dataclass(frozen=True, slots=True)
class PreviewOfTheDay:
    """One of at most `most` previews of a person at a bank on a day (UTC): a page must not become a load on a bank."""

    whose: str
    day: datetime
    most: int

    @property
    def key(self) -> str:
        """Return whose it is, and the day."""
        return f"{_NAMESPACE} {self.whose} {self.day:%Y-%m-%d}"

    @property
    def loss(self) -> Loss:
        """Return what is told of one preview too many."""
        return Loss("preview-limit", "release.previews", _TOO_OFTEN)

    def take(self, session: Session) -> bool:
        """Take the first place of the day that is free; False when there is none."""
        ends_at = self.day + timedelta(days=1)
        return any(claim(session, Claim(_NAMESPACE, f"{self.key} {place}", ends_at)) for place in range(self.most))


@dataclass(frozen=True, slots=True)
class _Ready:
    """What one preview goes by: the grant as it would be, the decision of the policies, and what is asked for."""

    grant: Grant
    wanted: Wanted
    window: Window
    decision: Decision
    identity: Identity | None
    now: datetime


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
        announced = _entry(actor, ready)
        # Durable before the bank is asked (invariant 2), and before a word of it is shown.
        appended = release.sequencer.append(announced, self._claims(actor, ready))
        raise_if_refused(ready.decision)
        if appended.lost is not None and appended.lost.code == _USED_UP:
            raise FrequencyExceeded(_TOO_OFTEN, code="preview-limit", retry_after_s=seconds_left_of_day(ready.now))
        if appended.lost is not None:
            raise PolicyRefused(_SWITCHED_OFF, code=appended.lost.code, rule=appended.lost.rule)
        try:
            access = release.access(ready.identity, actor.interaction_id, ready.wanted.category, appended)
            records = release.fetched(ready.grant, ready.wanted, access, ready.window)
        except BrokerError as error:
            release.sequencer.append(replace(announced, event=Event.ACCESS_FAILED, reasons=(error.code,)))
            raise
        rules = release.catalogue.categories[ready.wanted.category].questions
        question = example_question(rules, records, ready.window.oldest_at, ready.now) if rules else None
        wanted = replace(ready.wanted, question=question)
        shown = minimised(release.catalogue, ready.grant, wanted, records, ready.window)
        return Preview(wanted.category, tuple(map(plain, shown[:MOST_SHOWN])), len(shown), question)

    def _ready(
        self, actor: Actor, asker: Asker, proposal: Grant, choice: Choice, offered: Sequence[OfferedAccount]
    ) -> _Ready:
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
        return _Ready(grant, wanted, window_of(grant, bank, wanted, now), decision, identity, now)

    def _claims(self, actor: Actor, ready: _Ready) -> tuple[PreviewOfTheDay | StaysOn, ...]:
        """Return what an announcement hangs on; a refusal hangs on nothing."""
        if not ready.decision.is_allowed:
            return ()
        grant = ready.grant
        place = PreviewOfTheDay(f"{grant.bank_id} {actor.user_id}", start_of_day(ready.now), self._most_a_day)
        return place, StaysOn(grant.bank_id, grant.platform_id, ready.wanted.category)


def _as_chosen(proposal: Grant, terms: Terms, picked: Sequence[OfferedAccount]) -> Grant:
    """Return the grant that a yes to this choice would make."""
    return replace(
        proposal,
        terms=terms,
        categories=tuple(GrantedCategory(term, ClusterState.ACTIVE, 0, None) for term in terms.categories),
        accounts=tuple(GrantedAccount(one.account_id, one.bank_ref, one.label, ClusterState.ACTIVE) for one in picked),
    )


def _entry(actor: Actor, ready: _Ready) -> Entry:
    """Describe the preview: which accounts and which days, never a value."""
    grant, wanted, decision = ready.grant, ready.wanted, ready.decision
    accounts = [account.bank_ref for account in wanted.accounts_of(grant)]
    details: dict[str, Any] = {"accounts": accounts, "endpoint": _ENDPOINT}
    if ready.identity is not None:
        details["customer"] = ready.identity.subject
    if wanted.category in WINDOWED:
        details["window"] = f"{rfc3339(ready.window.oldest_at)}/{rfc3339(ready.window.newest_at)}"
    rules = {name: told for name, told in decision.details().items() if name == "rules"}
    return Entry(
        event=Event.ACCESS_PREVIEWED if decision.is_allowed else Event.ACCESS_REFUSED,
        initiator=Initiator.INDIVIDUAL,
        bank_id=grant.bank_id,
        user_id=actor.user_id,
        platform_id=grant.platform_id,
        grant_id=grant.id,
        access_id=new_access_id(),
        category=wanted.category,
        purpose=grant.terms.purpose,
        interaction_id=actor.interaction_id,
        policy_digest=decision.policy_digest,
        reasons=decision.leading_codes,
        accounts=len(accounts),
        details=details | rules,
    )
