"""How far the worker is behind: tasks that are due, events that wait, events that were given up."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from broker.events.delivery_models import EventDeliveryRow
from broker.events.task_models import OutboxRow
from broker.events.vocabulary import DeliveryState


@dataclass(frozen=True, slots=True)
class TaskLag:
    """Tasks of one kind: how many there are, and for how many seconds the oldest has been due."""

    kind: str
    waiting: int
    lag_s: float


@dataclass(frozen=True, slots=True)
class DeliveryLag:
    """Events on their way: how many wait, for how many seconds the oldest does, how many were given up."""

    waiting: int
    lag_s: float
    dead: int


def task_lags(session: Session, now: datetime) -> list[TaskLag]:
    """Return how far the worker is behind with its tasks, by kind."""
    query = select(OutboxRow.kind, func.count(), func.min(OutboxRow.due_at)).group_by(OutboxRow.kind)
    return [TaskLag(kind, waiting, _since(due_at, now)) for kind, waiting, due_at in session.execute(query)]


def delivery_lag(session: Session, now: datetime) -> DeliveryLag:
    """Return how far the worker, and receivers that poll, are behind with events."""
    row = EventDeliveryRow
    query = select(func.count(), func.min(row.waits_since)).where(row.state == DeliveryState.WAITING)
    waiting, oldest = session.execute(query).one()
    dead = session.scalar(select(func.count()).where(row.state == DeliveryState.DEAD)) or 0
    return DeliveryLag(waiting, _since(oldest, now), dead)


def _since(instant: datetime | None, now: datetime) -> float:
    return max(0.0, (now - instant).total_seconds()) if instant else 0.0
