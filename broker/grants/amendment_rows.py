"""Makes and finds the rows of proposals to amend a grant, and tells the log what a new version says."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from broker.errors import NotFound
from broker.grants.acts import Actor
from broker.grants.consents import PROPOSAL_LIFE, Answer, notice_of
from broker.grants.models import GrantAmendmentRow, GrantRow
from broker.grants.proposals import AmendAction
from broker.policy import Catalogue
from broker.policy.difference import difference
from broker.policy.terms import Terms
from broker.policy.vocabulary import GrantStatus
from broker.storage.base import new_id


def new_amendment(
    row: GrantRow, action: AmendAction, asked: Terms, *, answer: Answer, catalogue: Catalogue, now: datetime
) -> GrantAmendmentRow:
    """Return the row of a proposal to amend a grant, which waits for its person from now on."""
    return GrantAmendmentRow(
        id=new_id(now),
        grant_id=row.id,
        action=action.value,
        base_version=row.version,
        asked=asked.to_json(),
        notice=notice_of(catalogue),
        status=GrantStatus.AWAITING_AUTHORISATION.value,
        status_code="proposed",
        consent_key=answer.key,
        return_path=answer.path,
        return_origin=answer.origin,
        created_at=now,
        expires_at=now + PROPOSAL_LIFE,
    )


def told_of_change(before: Terms, row: GrantRow, terms: Terms) -> dict[str, Any]:
    """Return what the log tells of a new version, once it is written into the grant's row."""
    return {
        "terms": terms.to_json(),
        "accounts": [account.account_id for account in row.accounts],
        "notice": row.notice,
        "before": before.to_json(),
        "difference": asdict(difference(before, terms)),
    }


def place_of(session: Session, actor: Actor, amendment_id: str) -> tuple[str, str]:
    """Return bank and grant of the person's proposal, to know what to lock; all else is read again under the lock.

    Raises:
        NotFound: unknown, or not the person's.
    """
    query = select(GrantRow.bank_id, GrantRow.id).join(GrantAmendmentRow, GrantAmendmentRow.grant_id == GrantRow.id)
    query = query.where(GrantAmendmentRow.id == amendment_id, GrantRow.user_id == actor.user_id)
    found = session.execute(query).first()
    if found is None:
        raise NotFound("There is no such request for you.")
    return found[0], found[1]
