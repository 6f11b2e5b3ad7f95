"""Puts tasks into the outbox and hands them out, each to one worker at a time, until they are done."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from broker.events.models import OutboxRow
from broker.storage.base import new_id

_LEASE = timedelta(seconds=60)
_FIRST_RETRY = timedelta(seconds=10)
_LONGEST_RETRY = timedelta(hours=1)


class TaskKind(StrEnum):
    """What a task asks for. `bank.end`: revoke our tokens at a bank where the person has no live grant left."""

    BANK_END = "bank.end"


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do; `attempts` counts this one."""

    id: str
    kind: TaskKind
    payload: Mapping[str, Any]
    attempts: int
    created_at: datetime


def put(session: Session, kind: TaskKind, payload: Mapping[str, Any], now: datetime) -> None:
    """Add a task in the caller's transaction."""
    session.add(
        OutboxRow(id=new_id(now), kind=kind.value, payload=dict(payload), attempts=0, created_at=now, due_at=now)
    )


def lease(session: Session, now: datetime) -> Task | None:
    """Take the task that has been due longest, for 60 s; a worker that dies leaves it to another."""
    query = select(OutboxRow).where(OutboxRow.due_at <= now).order_by(OutboxRow.due_at, OutboxRow.id).limit(1)
    row = session.scalars(query.with_for_update(skip_locked=True)).first()
    if row is None:
        return None
    row.attempts += 1
    row.due_at = now + _LEASE
    return Task(row.id, TaskKind(row.kind), row.payload, row.attempts, row.created_at)


def finish(session: Session, task: Task) -> None:
    """Mark the task as done: it is never due again."""
    row = session.get_one(OutboxRow, task.id)
    row.due_at = None


def put_off(session: Session, task: Task, now: datetime) -> None:
    """Try again later: 10 s after the first failure, then twice as long each time, up to an hour."""
    row = session.get_one(OutboxRow, task.id)
    row.due_at = now + min(_LONGEST_RETRY, _FIRST_RETRY * 2 ** min(task.attempts - 1, 20))
