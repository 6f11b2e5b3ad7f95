"""The log entries of an access: what was asked, what left, why not."""

import hashlib
from typing import Any

from broker.audit.vocabulary import RESPONSE_DIGEST, Entry, Event, Initiator
from broker.clock import rfc3339
from broker.grants.views import Grant
from broker.policy import Decision
from broker.release.asking import Access, Call, Rendered, Wanted
from broker.release.records import WINDOWED


def access_entry(
    event: Event,
    grant: Grant,
    call: Call,
    wanted: Wanted,
    decision: Decision,
    *,
    access: Access,
    fields: tuple[str, ...] = (),
    reasons: tuple[str, ...] = (),
    rendered: Rendered | None = None,
) -> Entry:
    """Describe one step of an access. Values never stand here: counts, and a salted digest of the bytes.

    `fields` are the names of those that leave with the bytes. What an access asks for stands in its first entry, what
    left in its last: an entry has 1 KB.
    """
    # What left, left for those accounts alone that the bank still has.
    closed = access.closed if rendered is not None else frozenset[str]()
    accounts = [account.bank_ref for account in wanted.accounts_of(grant) if account.bank_ref not in closed]
    details: dict[str, Any] = {"accounts": accounts, **decision.details()}
    if access.customer is not None:
        details["customer"] = access.customer
    if closed:
        details["closed"] = sorted(closed)
    if rendered is not None:
        details |= {"fields": list(fields), RESPONSE_DIGEST: hashlib.sha256(rendered.body).hexdigest()}
    else:
        details["endpoint"] = call.endpoint
    if rendered is None and wanted.announced is not None:
        details["alert"] = wanted.announced.ref
    if rendered is None and wanted.category in WINDOWED:
        details["window"] = f"{rfc3339(access.window.oldest_at)}/{rfc3339(access.window.newest_at)}"
    return Entry(
        event=event,
        initiator=Initiator.DATA_RECIPIENT,
        bank_id=grant.bank_id,
        user_id=grant.user_id,
        platform_id=grant.platform_id,
        grant_id=grant.id,
        grant_version=grant.version,
        access_id=access.id,
        category=wanted.category,
        purpose=grant.terms.purpose,
        interaction_id=call.interaction_id,
        policy_digest=decision.policy_digest,
        reasons=reasons or decision.leading_codes,
        records=rendered.records if rendered else None,
        accounts=len(accounts),
        stated={**_stated(call, wanted), **({"closed": len(closed)} if closed else {})},
        details=details,
    )


def _stated(call: Call, wanted: Wanted) -> dict[str, Any]:
    """Say openly whether the person was there, by the platform's word, and which further page of a read it is."""
    page = wanted.page.number if wanted.page else 1
    return {"attended": call.is_attended} | ({"page": page} if page > 1 else {})


def refusal_entry(grant: Grant, call: Call, access_id: str, code: str, policy_digest: str) -> Entry:
    """Describe a call that was refused for its token, whatever it wanted."""
    return Entry(
        event=Event.ACCESS_REFUSED,
        initiator=Initiator.DATA_RECIPIENT,
        bank_id=grant.bank_id,
        user_id=grant.user_id,
        platform_id=grant.platform_id,
        grant_id=grant.id,
        grant_version=grant.version,
        access_id=access_id,
        purpose=grant.terms.purpose,
        interaction_id=call.interaction_id,
        policy_digest=policy_digest,
        reasons=(code,),
        details={"endpoint": call.endpoint},
    )
