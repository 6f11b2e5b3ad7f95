"""What every act on a grant shares: who acts, finding the grant under the lock, and its log entry."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from broker.audit.vocabulary import Entry, Event, Initiator
from broker.errors import ConsentRefused, NotFound
from broker.events.outbox import TaskKind, put
from broker.grants.models import GrantRow
from broker.grants.reader import has_live_grant
from broker.policy.vocabulary import GrantStatus


@dataclass(frozen=True, slots=True)
class Actor:
    """The person who acts, and the id under which this request is known in logs and answers."""

    user_id: str
    interaction_id: str


@dataclass(frozen=True, slots=True)
class PlatformActor:
    """The platform that acts on a grant it was given, and the id under which this request is known."""

    platform_id: str
    interaction_id: str


_INITIATORS: dict[type, Initiator] = {Actor: Initiator.INDIVIDUAL, PlatformActor: Initiator.DATA_RECIPIENT}


def own_grant(session: Session, actor: Actor | PlatformActor, grant_id: str) -> GrantRow:
    """Return the actor's grant, locked. Somebody else's grant answers like one that does not exist.

    Raises:
        NotFound: unknown, or not the actor's.
    """
    query = select(GrantRow).where(GrantRow.id == grant_id, _belongs_to(actor))
    row = session.scalars(query.with_for_update().execution_options(populate_existing=True)).first()
    if row is None:
        raise NotFound("There is no such grant among yours.")
    return row


def bank_of(session: Session, actor: Actor | PlatformActor, grant_id: str) -> str:
    """Return the bank of the actor's grant, to know which log to lock; what counts is read again under the lock.

    Raises:
        NotFound: unknown, or not the actor's.
    """
    query = select(GrantRow.bank_id).where(GrantRow.id == grant_id, _belongs_to(actor))
    found = session.scalars(query).first()
    if found is None:
        raise NotFound("There is no such grant among yours.")
    return found


def _belongs_to(actor: Actor | PlatformActor) -> ColumnElement[bool]:
    if isinstance(actor, Actor):
        return GrantRow.user_id == actor.user_id
    # A proposal is not the platform's yet: it was never told of it.
    return and_(GrantRow.platform_id == actor.platform_id, GrantRow.authorised_at.is_not(None))


def set_status(row: GrantRow, status: GrantStatus, code: str, now: datetime) -> None:
    """Move the grant to a status; final ones are never left.

    Raises:
        ConsentRefused: the grant has already ended.
    """
    if GrantStatus(row.status).is_final:
        raise ConsentRefused("This grant has already ended.", code="grant-ended")
    row.status, row.status_code, row.status_at, row.updated_at = status.value, code, now, now


def entry_of(
    row: GrantRow,
    event: Event,
    actor: Actor | PlatformActor | None,
    *,
    category: str | None = None,
    reasons: tuple[str, ...] = (),
    policy_digest: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> Entry:
    """Describe an act on a grant for the log; without an actor it is our own."""
    return Entry(
        event=event,
        initiator=_INITIATORS.get(type(actor), Initiator.DATA_ACCESS_PLATFORM),
        bank_id=row.bank_id,
        user_id=row.user_id,
        platform_id=row.platform_id,
        grant_id=row.id,
        grant_version=row.version,
        category=category,
        purpose=row.purpose,
        interaction_id=actor.interaction_id if actor else None,
        policy_digest=policy_digest,
        reasons=reasons,
        details=details or {},
    )


def end_at_bank_if_last(session: Session, row: GrantRow, now: datetime) -> None:
    """Ask the worker to revoke our tokens at the bank when the person has no other live grant there."""
    session.flush()
    if not has_live_grant(session, row.user_id, row.bank_id, now):
        put(session, TaskKind.BANK_END, {"user_id": row.user_id, "bank_id": row.bank_id}, now)
