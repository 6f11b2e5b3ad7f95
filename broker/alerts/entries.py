"""The log entries of an alert that a bank posts: told on, or why not. Nothing of the alert but ids stands there."""

from broker.alerts.posted import Posted
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.grants.views import Grant
from broker.policy import Decision

ENDPOINT = "POST /v1/bank/fraud-alerts"


def alert_entry(
    event: Event, posted: Posted, category: str, grant: Grant, decision: Decision, *, reasons: tuple[str, ...] = ()
) -> Entry:
    """Describe what came of an alert towards one platform. The ids are details: the entry holds salted digests."""
    named = {"alert": posted.ref, "accounts": [posted.account_ref], "customer": posted.subject, "endpoint": ENDPOINT}
    return Entry(
        event=event,
        initiator=Initiator.DATA_PROVIDER,
        bank_id=grant.bank_id,
        user_id=grant.user_id,
        platform_id=grant.platform_id,
        grant_id=grant.id,
        grant_version=grant.version,
        category=category,
        purpose=grant.terms.purpose,
        interaction_id=posted.interaction_id,
        policy_digest=decision.policy_digest,
        reasons=reasons or decision.leading_codes,
        accounts=1,
        details={**named, **decision.details()},
    )


def unheard_entry(posted: Posted, bank_id: str, category: str, code: str) -> Entry:
    """Describe an alert that no permission is about.

    It names nobody, and is the same for a person whom the broker does not know.
    """
    return Entry(
        event=Event.ALERT_REFUSED,
        initiator=Initiator.DATA_PROVIDER,
        bank_id=bank_id,
        category=category,
        interaction_id=posted.interaction_id,
        reasons=(code,),
    )
