"""The log entries of an access: what was asked, what left, why not."""

import hashlib
import secrets
from typing import Any

from broker.audit.vocabulary import RESPONSE_DIGEST, Entry, Event, Initiator
from broker.grants.views import Grant
from broker.policy import Decision
from broker.release.asking import Call, Rendered, Wanted

_SALT_BYTES = 16


def access_entry(
    event: Event,
    grant: Grant,
    call: Call,
    wanted: Wanted,
    decision: Decision,
    *,
    reasons: tuple[str, ...] = (),
    rendered: Rendered | None = None,
    customer: str | None = None,
) -> Entry:
    """Describe one step of an access. Values never stand here: counts, and a salted digest of the bytes."""
    accounts = [account.account_id for account in wanted.accounts_of(grant)]
    details: dict[str, Any] = {"endpoint": call.endpoint, "accounts": accounts}
    if customer is not None:
        details["customer"] = customer
    if rendered is not None:
        details[RESPONSE_DIGEST] = _salted_digest(rendered.body)
    return Entry(
        event=event,
        initiator=Initiator.DATA_RECIPIENT,
        bank_id=grant.bank_id,
        user_id=grant.user_id,
        platform_id=grant.platform_id,
        grant_id=grant.id,
        grant_version=grant.version,
        category=wanted.category,
        purpose=grant.terms.purpose,
        interaction_id=call.interaction_id,
        policy_digest=decision.policy_digest,
        reasons=reasons or tuple(decision.codes),
        records=rendered.records if rendered else None,
        accounts=len(accounts),
        details=details,
    )


def refusal_entry(grant: Grant, call: Call, code: str, policy_digest: str) -> Entry:
    """Describe a call that was refused for its token, whatever it wanted."""
    return Entry(
        event=Event.ACCESS_REFUSED,
        initiator=Initiator.DATA_RECIPIENT,
        bank_id=grant.bank_id,
        user_id=grant.user_id,
        platform_id=grant.platform_id,
        grant_id=grant.id,
        grant_version=grant.version,
        purpose=grant.terms.purpose,
        interaction_id=call.interaction_id,
        policy_digest=policy_digest,
        reasons=(code,),
        details={"endpoint": call.endpoint},
    )


def _salted_digest(body: bytes) -> dict[str, str]:
    """Commit to the exact bytes; the salt keeps small bodies from being guessed."""
    salt = secrets.token_hex(_SALT_BYTES)
    return {"salt": salt, "sha256": hashlib.sha256(salt.encode() + body).hexdigest()}
