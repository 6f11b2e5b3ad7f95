"""Pushes events to their receivers (RFC 8935), beside the worker's own tasks: a slow receiver delays nobody else.

Each stream has lanes of its own, threads that send one event after the other; several processes may push at once.
Every stream gets one lane before any gets a second one, and while some have none, each lane ends with its batch.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

from broker.clock import Clock
from broker.errors import BrokerError
from broker.events.leases import Parcel, due, take
from broker.events.outcomes import Outcome, Result, record
from broker.events.sending import Sender
from broker.events.stream_models import EventStreamRow
from broker.storage.engine import Database
from broker.storage.words import Bell

MOST_LANES: Final = 24
LANES_TO_ONE: Final = 4
_BATCH: Final = 8
_LOOK_S: Final = 0.5
_PAUSE_S: Final = 2.0
_LONGEST_BATCH_S: Final = 5.0  # with the last call's time limit it stays well below a lease
_STOP_S: Final = 10.0
_log = structlog.get_logger(__name__)


class Pusher:
    """Looks for events that are due, twice a second and when it hears of one, and sends them."""

    def __init__(
        self,
        database: Database,
        sender: Sender,
        *,
        clock: Clock,
        wall: Clock,
        monotonic: Callable[[], float] = time.monotonic,
        most_lanes: int = MOST_LANES,
    ) -> None:
        self._database = database
        self._sender = sender
        self._clock = clock
        self._wall = wall
        self._monotonic = monotonic
        self._most_lanes = most_lanes
        self._lanes: dict[str, list[threading.Thread]] = {}
        self._opened_at: dict[str, float] = {}
        self._is_crowded = threading.Event()

    def run(self, stopping: threading.Event, bell: Bell | None = None, look_s: float = _LOOK_S) -> None:
        """Push until `stopping`; then wait for what is being sent. Look every `look_s`, or when the bell rings."""
        bell = bell or Bell()
        while not stopping.is_set():
            try:
                self._open_lanes(stopping)
            except BrokerError as error:
                # The database is away; what was to be sent stands in it still.
                _log.warning("events.round_failed", code=error.code)
                stopping.wait(_PAUSE_S)
            if not stopping.is_set():
                bell.sleep(look_s)
        for lane in [thread for lanes in self._lanes.values() for thread in lanes]:
            lane.join(_STOP_S)

    def push_batch(self, stream_id: str, stopping: threading.Event) -> bool:
        """Send what is due of one stream, some of it; False when there was nothing.

        Raises:
            StorageUnavailable: what has been sent could not be written down; it is sent again.
        """
        stream, parcels = self._database.change(
            lambda session: (
                session.get(EventStreamRow, stream_id),
                take(session, stream_id, self._wall(), _BATCH),
            )
        )
        if stream is None or not parcels:
            return False
        outcomes = self._sent(parcels, stream.endpoint or "", stream.sealed_authorization, stopping)
        dead = self._database.change(lambda session: record(session, outcomes, now=self._clock(), wall=self._wall()))
        for row in dead:
            _log.warning("events.given_up", receiver=row.receiver, jti=row.jti, attempts=row.attempts)
        return True

    def _sent(
        self, parcels: list[Parcel], endpoint: str, sealed: bytes | None, stopping: threading.Event
    ) -> list[Outcome]:
        """Send one after the other, until one fails: a receiver that is away is not asked for each of them."""
        began, outcomes = self._monotonic(), list[Outcome]()
        for parcel in parcels:
            is_over = self._monotonic() - began > _LONGEST_BATCH_S or stopping.is_set()
            if is_over or (outcomes and outcomes[-1].result in {Result.FAILED, Result.UNSENT}):
                outcomes.append(Outcome(parcel, Result.UNSENT))
            else:
                outcomes.append(self._sender.send(parcel, endpoint, sealed))
        return outcomes

    def _open_lanes(self, stopping: threading.Event) -> None:
        with self._database.read() as session:
            found = due(session, self._wall(), _BATCH * LANES_TO_ONE)
        self._lanes = {
            stream_id: open_ones
            for stream_id, lanes in self._lanes.items()
            if (open_ones := [lane for lane in lanes if lane.is_alive()])
        }
        self._opened_at = {name: at for name, at in self._opened_at.items() if name in found or name in self._lanes}
        # Who has waited longest for a lane comes first; one that has just had one comes last.
        for stream_id in sorted(found, key=lambda name: self._opened_at.get(name, 0.0)):
            if stream_id not in self._lanes:
                self._open_lane(stream_id, stopping)
        if found.keys() <= self._lanes.keys():
            self._is_crowded.clear()
        else:
            self._is_crowded.set()
        for stream_id, count in found.items():
            for _ in range(len(self._lanes.get(stream_id, ())), min(LANES_TO_ONE, 1 + count // _BATCH)):
                self._open_lane(stream_id, stopping)

    def _open_lane(self, stream_id: str, stopping: threading.Event) -> None:
        if sum(map(len, self._lanes.values())) >= self._most_lanes:
            return
        lane = threading.Thread(target=self._drain, args=[stream_id, stopping], name="events", daemon=True)
        self._lanes.setdefault(stream_id, []).append(lane)
        self._opened_at[stream_id] = self._monotonic()
        lane.start()

    def _drain(self, stream_id: str, stopping: threading.Event) -> None:
        try:
            while not stopping.is_set() and self.push_batch(stream_id, stopping) and not self._is_crowded.is_set():
                pass
        except BrokerError as error:
            _log.warning("events.round_failed", code=error.code)
