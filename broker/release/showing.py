"""Asks a bank for what is shown to the person alone: logged before the bank is asked, and counted for the person's day.

Trusted: the order of the steps in `ask_bank`.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from broker.audit.vocabulary import Entry, Event, Initiator
from broker.banks.connector import Window
from broker.clock import rfc3339, seconds_left_of_day, start_of_day
from broker.errors import BrokerError, FrequencyExceeded, PolicyRefused
from broker.grants.acts import Actor
from broker.grants.consents import raise_if_refused
from broker.grants.views import Grant
from broker.policy import Decision
from broker.policy.minimise import Record
from broker.release.asking import Wanted, new_access_id
from broker.release.records import WINDOWED
from broker.release.service import Release
from broker.storage.prepared import Transaction
from broker.storage.single_use import Claim, Loss, claim
from broker.switches.condition import StaysOn
from broker.users.service import Identity

MOST_A_DAY: Final = 40
"""How often a person is shown data of one bank on a day (UTC): previews of all requests, and looks at what apps see."""

_NAMESPACE = "preview"
_USED_UP = "preview-limit"
_TOO_OFTEN = "You have looked at your data here very often today. You can still decide, and look again tomorrow."


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
        return Loss(_USED_UP, "release.previews", _TOO_OFTEN)

    def take(self, session: Transaction) -> bool:
        """Take the first place of the day that is free; False when there is none."""
        ends_at = self.day + timedelta(days=1)
        return any(claim(session, Claim(_NAMESPACE, f"{self.key} {place}", ends_at)) for place in range(self.most))


@dataclass(frozen=True, slots=True)
class Ready:
    """What is shown, and by what it goes: the grant that cuts it, the decision of the policies, and what is asked for.

    `endpoint` is the address where the person sees it.
    """

    grant: Grant
    wanted: Wanted
    window: Window
    decision: Decision
    identity: Identity | None
    now: datetime
    endpoint: str


def ask_bank(release: Release, actor: Actor, ready: Ready, most_a_day: int) -> list[Record]:
    """Announce it to the log, then fetch it; the caller minimises before anything is shown.

    Raises:
        PolicyRefused: policies or switches do not allow it; that is logged.
        FrequencyExceeded: the person was shown as much as one day allows.
        BankUnavailable: or one of its kinds; the failure is logged.
        LogUnavailable: it could not be announced, so the bank was not asked (invariant 2).
    """
    announced = _entry(actor, ready)
    # Durable before the bank is asked (invariant 2), and before a word of it is shown.
    appended = release.sequencer.append(announced, _claims(actor, ready, most_a_day))
    raise_if_refused(ready.decision)
    if appended.lost:
        raise _lost(appended.lost, ready.now)
    try:
        access = release.access(ready.identity, actor.interaction_id, ready.wanted.category, appended)
        return release.fetched(ready.grant, ready.wanted, access, ready.window)
    except BrokerError as error:
        release.sequencer.append(replace(announced, event=Event.ACCESS_FAILED, reasons=(error.code,)))
        raise


def _lost(loss: Loss, now: datetime) -> BrokerError:
    if loss.code == _USED_UP:
        return FrequencyExceeded(
            loss.text, code="preview-limit", rule=loss.rule, retry_after_s=seconds_left_of_day(now)
        )
    return PolicyRefused(f"{loss.text} Nothing was asked of the bank.", code=loss.code, rule=loss.rule)


def _claims(actor: Actor, ready: Ready, most_a_day: int) -> tuple[PreviewOfTheDay | StaysOn, ...]:
    """Return what an announcement hangs on; a refusal hangs on nothing."""
    if not ready.decision.is_allowed:
        return ()
    grant = ready.grant
    place = PreviewOfTheDay(f"{grant.bank_id} {actor.user_id}", start_of_day(ready.now), most_a_day)
    return place, StaysOn(grant.bank_id, grant.platform_id, ready.wanted.category)


def _entry(actor: Actor, ready: Ready) -> Entry:
    """Describe the preview: which accounts and which days, never a value."""
    grant, wanted, decision = ready.grant, ready.wanted, ready.decision
    accounts = [account.bank_ref for account in wanted.accounts_of(grant)]
    details: dict[str, Any] = {"accounts": accounts, "endpoint": ready.endpoint}
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
