"""Keeps what each version of a grant said, so that an amended grant still tells what was agreed before.

Trusted with nothing: a version is shown to its person only, and the log's own entry of it proves or belies it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from broker.audit.vocabulary import Event
from broker.grants.models import GrantRow, GrantVersionRow
from broker.policy.terms import Terms


@dataclass(frozen=True, slots=True)
class GrantVersion:
    """One version of a grant. `accounts` are the platform's ids of them, `created_at` is when it was agreed to."""

    grant_id: str
    version: int
    event: Event
    terms: Terms
    accounts: tuple[str, ...]
    notice: Mapping[str, Any]
    created_at: datetime


def keep_version(session: Session, row: GrantRow, event: Event, at: datetime) -> None:
    """Store what the grant says as its present version; call it before or after a change, never in its midst."""
    session.add(
        GrantVersionRow(
            grant_id=row.id,
            version=row.version,
            event=event.value,
            terms=row.terms,
            accounts=[account.account_id for account in row.accounts],
            notice=row.notice,
            created_at=at,
        )
    )


def begin_next_version(session: Session, row: GrantRow, now: datetime) -> None:
    """Give the grant its next number; the first version is kept when there is a second."""
    if row.version == 1:
        keep_version(session, row, Event.GRANT_APPROVED, row.authorised_at or row.created_at)
    row.version, row.updated_at = row.version + 1, now


def versions_of_user(session: Session, user_id: str) -> dict[str, Sequence[GrantVersion]]:
    """Return the versions of every amended grant of a person, by grant, oldest first."""
    theirs = select(GrantRow.id).where(GrantRow.user_id == user_id)
    query = select(GrantVersionRow).where(GrantVersionRow.grant_id.in_(theirs)).order_by(GrantVersionRow.version)
    found: defaultdict[str, list[GrantVersion]] = defaultdict(list)
    for row in session.scalars(query):
        found[row.grant_id].append(
            GrantVersion(
                grant_id=row.grant_id,
                version=row.version,
                event=Event(row.event),
                terms=Terms.from_json(row.terms),
                accounts=tuple(row.accounts),
                notice=row.notice,
                created_at=row.created_at,
            )
        )
    return dict(found)
