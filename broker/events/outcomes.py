"""Writes down how deliveries went, and when to try again: soon at first, then at most a minute apart, for a week."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy.orm import Session

from broker.events.chains import note_acknowledged
from broker.events.delivery_models import EventDeliveryRow
from broker.events.leases import Parcel
from broker.events.stream_models import EventStreamRow
from broker.events.vocabulary import DeliveryState

MOST_REFUSALS: Final = 8
LONGEST_WAIT: Final = timedelta(days=7)
_LONGEST_RETRY = timedelta(seconds=60)
_LONGEST_ERROR = 300


class Result(StrEnum):
    """How one try ended. REFUSED: the receiver was there and would not have it (400). FAILED: everything else."""

    TAKEN = "taken"
    REFUSED = "refused"
    FAILED = "failed"
    UNSENT = "unsent"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the try to deliver one parcel ended; `error` is told to the receiver's own people and to the operator."""

    parcel: Parcel
    result: Result
    error: str | None = None


def record(session: Session, outcomes: Sequence[Outcome], *, now: datetime, wall: datetime) -> list[EventDeliveryRow]:
    """Write down what became of the parcels of one stream, and return what was given up.

    What another sender has leased meanwhile is left to it. The stream is locked first, then deliveries, then the
    grants' chains in the order of their ids, as by everybody.
    """
    stream = session.get(EventStreamRow, outcomes[0].parcel.stream_id, with_for_update=True, populate_existing=True)
    dead = []
    for outcome in sorted(outcomes, key=lambda one: one.parcel.grant_id):
        row = session.get(EventDeliveryRow, outcome.parcel.jti, with_for_update=True, populate_existing=True)
        if row is not None and _is_ours(row, outcome.parcel):
            row.leased_until = None
            _end(session, row, outcome, now=now, wall=wall)
            if row.state == DeliveryState.DEAD.value:
                dead.append(row)
    if stream is not None:
        _note_reach(stream, [one.result for one in outcomes], wall)
    return dead


def acknowledge(session: Session, row: EventDeliveryRow, now: datetime) -> None:
    """Write down that the receiver has taken an event."""
    row.state, row.ended_at, row.error = DeliveryState.TAKEN.value, now, None
    if row.grant_id:
        note_acknowledged(session, row.receiver, row.grant_id, row.sequence, now)


def refuse(row: EventDeliveryRow, error: str, *, now: datetime, wall: datetime) -> None:
    """Write down that the receiver would not have an event; after eight times it is given up."""
    row.refusals, row.error = row.refusals + 1, error[:_LONGEST_ERROR]
    row.due_at = wall + wait(row.refusals)
    if row.refusals >= MOST_REFUSALS:
        give_up(row, now)


def give_up(row: EventDeliveryRow, now: datetime) -> None:
    """Make a delivery a dead letter: later ones of the grant go on, and say that one is missing."""
    row.state, row.ended_at = DeliveryState.DEAD.value, now


def wait(failures: int) -> timedelta:
    """Return how long to wait after so many failures in a row (at least one)."""
    return min(_LONGEST_RETRY, timedelta(seconds=2.0 ** min(failures - 1, 10)))


def _is_ours(row: EventDeliveryRow, parcel: Parcel) -> bool:
    return row.state == DeliveryState.WAITING.value and row.leased_until == parcel.leased_until


def _end(session: Session, row: EventDeliveryRow, outcome: Outcome, *, now: datetime, wall: datetime) -> None:
    if outcome.result is Result.UNSENT:
        return
    row.attempts += 1
    row.sent_at = now
    if outcome.result is Result.TAKEN:
        acknowledge(session, row, now)
    elif outcome.result is Result.REFUSED:
        refuse(row, outcome.error or "", now=now, wall=wall)
    else:
        row.error, row.due_at = (outcome.error or "")[:_LONGEST_ERROR], wall + wait(row.attempts)
        if row.waits_since + LONGEST_WAIT <= now:
            give_up(row, now)


def _note_reach(stream: EventStreamRow, results: Sequence[Result], wall: datetime) -> None:
    """Leave a receiver alone for a while that cannot be reached, whatever waits for it."""
    if Result.TAKEN in results or Result.REFUSED in results:
        stream.failures, stream.held_until = 0, None
    if Result.FAILED in results:
        stream.failures += 1
        stream.held_until = wall + wait(stream.failures)
