"""Puts tasks into the outbox and hands them out, each to one worker at a time, until they are done."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from broker.events.task_models import OutboxRow
from broker.storage.base import new_id
from broker.storage.words import hasten

_MOST_ATTEMPTS = 80
_LEASE = timedelta(seconds=60)
_FIRST_RETRY = timedelta(seconds=10)
_LONGEST_RETRY = timedelta(hours=1)


class TaskKind(StrEnum):
    """What a task asks for.

    `bank.end`: revoke our tokens at a bank where the person has no live grant left. `platform.end`: end the grants of
    a platform that has been removed. `customer.end`: forget what was kept of a closed account to revoke those tokens.
    `switch.flipped`: tell platforms and banks which of their grants a switch has suspended or restored.
    """

    BANK_END = "bank.end"
    PLATFORM_END = "platform.end"
    CUSTOMER_END = "customer.end"
    SWITCH_FLIPPED = "switch.flipped"


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do; `attempts` counts this one."""

    id: str
    kind: TaskKind
    payload: Mapping[str, Any]
    attempts: int
    created_at: datetime

    @property
    def is_hopeless(self) -> bool:
        """Say whether it has been tried for about three days."""
        return self.attempts >= _MOST_ATTEMPTS


def put(
    session: Session, kind: TaskKind, payload: Mapping[str, Any], now: datetime, *, delay: timedelta = timedelta(0)
) -> None:
    """Add a task in the caller's transaction, due after the delay."""
    row = OutboxRow(id=new_id(now), kind=kind.value, payload=dict(payload), attempts=0, created_at=now)
    row.due_at = now + delay
    session.add(row)
    if not delay:
        hasten(session)


def lease(session: Session, now: datetime) -> Task | None:
    """Take the task that has been due longest, for 60 s; a worker that dies leaves it to another."""
    query = select(OutboxRow).where(OutboxRow.due_at <= now).order_by(OutboxRow.due_at, OutboxRow.id).limit(1)
    row = session.scalars(query.with_for_update(skip_locked=True)).first()
    if row is None:
        return None
    row.attempts += 1
    row.due_at = now + _LEASE
    return Task(row.id, TaskKind(row.kind), row.payload, row.attempts, row.created_at)


def due_since(session: Session) -> datetime | None:
    """Return since when the longest waiting task has been due (in the future: it is put off), None without a task."""
    return session.scalar(select(func.min(OutboxRow.due_at)))


def finish(session: Session, task: Task) -> None:
    """Take a task out: it is done, or given up. Who asked for it stands in the log, not here."""
    session.execute(delete(OutboxRow).where(OutboxRow.id == task.id))


def put_off(session: Session, task: Task, now: datetime) -> None:
    """Try again later: 10 s after the first failure, then twice as long each time, up to an hour."""
    row = session.get(OutboxRow, task.id)
    if row is not None:  # another worker may have finished it after this one's lease ran out
        row.due_at = now + min(_LONGEST_RETRY, _FIRST_RETRY * 2 ** min(task.attempts - 1, 20))
