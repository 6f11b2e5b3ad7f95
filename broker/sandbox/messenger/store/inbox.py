"""The inbox: events that have come, each once, and how far each grant's have come. They hold no bank data."""

import json
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, exists, func, or_, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import aliased

from broker.sandbox.messenger import clock
from broker.sandbox.messenger.events.vocabulary import ENDS, Event, EventType

from .database import Sessions
from .models import EventRow, ProgressRow

KEPT_FOR = timedelta(days=90)
LONGEST_WAIT = timedelta(minutes=1)
MOST_ATTEMPTS = 30


class EventState(StrEnum):
    """Where one event stands."""

    WAITING = "waiting"
    DONE = "done"
    IGNORED = "ignored"
    GIVEN_UP = "given_up"
    SET_ASIDE = "set_aside"


class Inbox:
    """Put events in, take them out one after the other."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def put(self, event: Event) -> bool:
        """Keep an event; tell whether there is something to do.

        One that came before is not kept again. A change of a grant that is older than the newest known is kept as
        ignored: what came after it says how things stand. Alerts and requests to delete are about themselves, and
        never too old.
        """
        now = clock.now()
        row = {
            "jti": event.jti, "type": event.type, "grant_id": event.grant_id, "sequence": event.sequence,
            "claims": json.dumps(dict(event.claims)), "is_after_gap": False, "state": EventState.WAITING,
            "attempts": 0, "came_at": now, "due_at": now,
        }  # fmt: skip
        with self._sessions.begin() as session:
            # Written before anything is read: two that come at once are taken one after the other.
            kept = session.scalar(insert(EventRow).values(row).on_conflict_do_nothing().returning(EventRow.number))
            if kept is None:
                return False
            session.execute(delete(EventRow).where(EventRow.came_at < now - KEPT_FOR))
            progress = session.get(ProgressRow, event.grant_id) or ProgressRow(grant_id=event.grant_id, sequence=0)
            is_old = 0 < event.sequence <= progress.sequence and event.type == EventType.GRANT_CHANGED
            if is_old or not event.grant_id:
                session.execute(update(EventRow).where(EventRow.number == kept).values(state=EventState.IGNORED))
                return False
            is_after_gap = event.sequence > progress.sequence + 1
            session.execute(update(EventRow).where(EventRow.number == kept).values(is_after_gap=is_after_gap))
            progress.sequence = max(progress.sequence, event.sequence)
            session.add(progress)
            return True

    def next(self) -> tuple[Event, int] | None:
        """Return the oldest event that is due and has none of its grant before it, with the attempts so far.

        The end of a grant waits for nothing: what it makes Messenger forget is not kept for a bank that is away.
        """
        earlier = aliased(EventRow)
        is_behind = exists().where(
            earlier.grant_id == EventRow.grant_id,
            earlier.number < EventRow.number,
            earlier.state == EventState.WAITING,
        )
        is_end = func.json_extract(EventRow.claims, "$.change").in_(ENDS)
        query = (
            select(EventRow)
            .where(EventRow.state == EventState.WAITING, EventRow.due_at <= clock.now(), or_(~is_behind, is_end))
            .order_by(EventRow.number)
            .limit(1)
        )
        with self._sessions() as session:
            row = session.scalars(query).first()
        if row is None:
            return None
        claims = json.loads(row.claims)
        return Event(row.jti, row.type, row.grant_id, row.sequence, claims, row.is_after_gap), row.attempts

    def done(self, event: Event) -> None:
        """Note that everything that follows from an event has been done."""
        self._set(event, state=EventState.DONE)

    def later(self, event: Event, attempts: int) -> bool:
        """Try an event again later; tell whether it is given up instead."""
        if attempts + 1 >= MOST_ATTEMPTS:
            self._set(event, state=EventState.GIVEN_UP)
            return True
        wait = min(timedelta(seconds=2**attempts), LONGEST_WAIT)
        self._set(event, attempts=attempts + 1, due_at=clock.now() + wait)
        return False

    def set_aside(self, event: Event) -> int:
        """Leave alone an event that can never be acted upon; say how many stand aside now."""
        self._set(event, state=EventState.SET_ASIDE)
        with self._sessions() as session:
            count = select(func.count(EventRow.number)).where(EventRow.state == EventState.SET_ASIDE)
            return session.scalar(count) or 0

    def _set(self, event: Event, **values: str | int | datetime) -> None:
        with self._sessions.begin() as session:
            session.execute(update(EventRow).where(EventRow.jti == event.jti).values(**values))
