"""Tells platforms that a bank has raised an alert, where a person's permission and the policies allow it.

Trusted: the decision is that of every release, made under the lock of the bank's log; what is told is an id, and
nothing of the alert is kept.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy.orm import Session

from broker.alerts.entries import ENDPOINT, alert_entry, unheard_entry
from broker.alerts.ids import AlertIds, Sealed
from broker.alerts.posted import Posted
from broker.alerts.rate import MOST_A_MINUTE, Rate
from broker.audit.sequencer import LoggedTransaction
from broker.audit.vocabulary import Event
from broker.clock import Clock
from broker.crypto.sealing import Sealer
from broker.errors import AlertRefused, BrokerError, InvalidRequest, NotFound, ScopeMissing
from broker.events.announcing import announce
from broker.events.vocabulary import EventType
from broker.grants.views import Grant
from broker.platforms.service import find as find_platform
from broker.policy.catalogue import Pushed
from broker.policy.vocabulary import ClusterState, MachineScope
from broker.release import Announcement, Call, Release, Wanted
from broker.release.beforehand import judged_beforehand
from broker.storage.single_use import Claim, claim

CATEGORY: Final = "fraud_alerts"
_AHEAD: Final = timedelta(minutes=1)
_NOBODY_LISTENS: Final = "The app takes no such messages at the moment."


@dataclass(frozen=True, slots=True)
class Alerts:
    """Announces alerts and knows their ids again. `wall` is the real time, in which banks say when something happened.

    `most_a_minute` is for each bank.
    """

    release: Release
    sealer: Sealer
    wall: Clock
    most_a_minute: int = MOST_A_MINUTE

    def announce(self, posted: Posted) -> int:
        """Tell every platform that may know; return how many were told now. Those told before are not told again.

        Raises:
            ScopeMissing: the client acts for no bank.
            InvalidRequest: the alert is older than an id lives, or has not happened yet.
            FrequencyExceeded: the bank posts too many alerts.
            AlertRefused: nobody may know, whatever the reason; it is logged.
            LogUnavailable: it could not be logged; nobody was told.
        """
        sequencer, life = self.release.sequencer, timedelta(days=self._rules().life_days)
        bank_id = sequencer.look_up(lambda session: _bank_of(session, posted.client_id))
        if not -_AHEAD <= self.wall() - posted.occurred_at <= life:
            raise InvalidRequest("The member occurredAt is too long ago, or has not come.")
        with sequencer.transaction([bank_id]) as transaction:
            Rate(bank_id, self.release.clock()).count(transaction.session, self.most_a_minute)
            outcomes = [
                self._tell(transaction, posted, one) for one in self._about(transaction.session, bank_id, posted)
            ]
            if not outcomes:
                outcomes.append(AlertRefused())
                transaction.append(unheard_entry(posted, bank_id, CATEGORY, AlertRefused.code))
        # What was refused stands in the log by now; it is told only where nobody knows of the alert.
        refusals = [one for one in outcomes if isinstance(one, BrokerError)]
        if len(refusals) == len(outcomes):
            raise refusals[0]
        return sum(one is True for one in outcomes)

    def wanted(self, call: Call, alert_id: str) -> Wanted:
        """Return what a call wants that names an id; one that opens nothing is logged as a refused call.

        Raises:
            NotFound: the id is forged, another's, or too old: which, is not told.
            LogUnavailable: the refusal could not be logged.
        """
        ids, life = AlertIds(self.sealer, call.platform_id, call.grant_id), timedelta(days=self._rules().life_days)
        try:
            sealed = ids.opened(alert_id, life, self.release.clock())
        except NotFound as error:
            self.release.record_refusal(call, error.code)
            raise
        return self._wanted(alert_id, sealed)

    def _rules(self) -> Pushed:
        category = self.release.catalogue.categories.get(CATEGORY)
        if category is None or category.pushed is None:
            raise AlertRefused("The policies know no alerts.", code="category-off")
        return category.pushed

    def _about(self, session: Session, bank_id: str, posted: Posted) -> list[Grant]:
        """Return the permissions that name alerts and this account, living or at rest."""
        user_id = self.release.users.known_as(session, bank_id, posted.subject)
        grants = [] if user_id is None else self.release.reader.of_user(session, user_id, self.release.clock())
        grants.sort(key=lambda one: one.id)  # as everybody who numbers events: nobody waits in a circle
        return [one for one in grants if one.bank_id == bank_id and _is_about(one, posted.account_ref)]

    def _tell(self, transaction: LoggedTransaction, posted: Posted, grant: Grant) -> bool | BrokerError:
        """Tell one platform; False when it was told before, the refusal when it may not know."""
        account_id = next(one.account_id for one in grant.accounts if one.bank_ref == posted.account_ref)
        sealed = Sealed(posted.ref, account_id, self.release.clock())
        wanted = self._wanted(AlertIds(self.sealer, grant.platform_id, grant.id).made(sealed), sealed)
        call = Call(grant.id, grant.platform_id, frozenset({CATEGORY}), posted.interaction_id, ENDPOINT)
        grant, decision = judged_beforehand(self.release, transaction.session, call, wanted)
        if not decision.is_allowed:
            transaction.append(alert_entry(Event.ALERT_REFUSED, posted, CATEGORY, grant, decision))
            reason = decision.reasons[0]
            return AlertRefused(reason.text, code=reason.code, rule=reason.rule)
        is_heard = _announced(transaction.session, grant, wanted, sealed)
        if is_heard is None:
            return False
        if not is_heard:
            refusal = AlertRefused(_NOBODY_LISTENS, code="alert-not-heard")
            codes = (refusal.code,)
            transaction.append(alert_entry(Event.ALERT_REFUSED, posted, CATEGORY, grant, decision, reasons=codes))
            return refusal
        transaction.append(alert_entry(Event.ALERT_ANNOUNCED, posted, CATEGORY, grant, decision))
        return True

    def _wanted(self, alert_id: str, sealed: Sealed) -> Wanted:
        rules = self._rules()
        ends_at = sealed.announced_at + timedelta(days=rules.life_days)
        return Wanted(
            CATEGORY, sealed.account_id, announced=Announcement(alert_id, sealed.ref, rules.most_reads, ends_at)
        )


def _announced(session: Session, grant: Grant, wanted: Wanted, sealed: Sealed) -> bool | None:
    """Put the message into the platform's stream; False when it has none for alerts, None when it was told before."""
    alert = wanted.announced
    if alert is None:
        return False
    with session.connection().begin_nested() as attempt:
        if not claim(session, Claim("fraud-alert", f"{alert.ref} {grant.id}", alert.ends_at)):
            return None
        told = announce(
            session,
            receiver=grant.platform_id,
            grant_id=grant.id,
            event_type=EventType.FRAUD_ALERT,
            claims={"alert_id": alert.id},
            now=sealed.announced_at,
        )
        if told is None:
            attempt.rollback()  # it may be posted again when somebody listens
    return told is not None


def _bank_of(session: Session, client_id: str) -> str:
    """Return the bank that a client acts for; a scope alone makes nobody a bank."""
    client = find_platform(session, client_id)
    if client is None or client.bank_id is None:
        raise ScopeMissing(MachineScope.FRAUD_ALERTS_PUSH.value)
    return client.bank_id


def _is_about(grant: Grant, account_ref: str) -> bool:
    category = grant.category(CATEGORY)
    is_given = grant.authorised_at is not None and not grant.status.is_final
    return (
        is_given
        and category is not None
        and category.state is not ClusterState.REVOKED
        and any(one.bank_ref == account_ref and one.state is not ClusterState.REVOKED for one in grant.accounts)
    )
