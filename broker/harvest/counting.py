"""Counts reads in the transaction that logs them, and refuses those that a budget has no room for.

Trusted: the counters of one bank are exact, because they change under the lock of that bank's log alone; those of the
other banks are added as they were when the call began.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from broker.harvest.tallies import Agreed, Reading, seen_everywhere, seen_here, store_known, store_tally
from broker.policy import Harvest
from broker.policy.harvest import Budgets, Counter, Room, Tally, breached, counted, nearest
from broker.storage.prepared import Transaction
from broker.storage.single_use import Loss

HOLD: Final = "harvest-hold"
"""The code of a platform that reads too much, for the log and for the caller."""
_LOSS: Final = Loss(
    HOLD,
    "release.harvest",
    "The app has read more than is ordinary. It gets no more of this until the broker's operator has looked.",
)
_RECOUNTED_AFTER: Final = timedelta(minutes=15)
_NEW_FOR: Final = timedelta(seconds=10)
_NEWCOMERS: Final = 32
_NOBODY: Final = Agreed(0, datetime.fromtimestamp(0, UTC), is_news=False)


@dataclass(frozen=True, slots=True)
class Count:
    """Where a platform stands with a category before a read: `elsewhere` sums up the other banks.

    `agreed` is how many people had agreed, and when; `rooms` are the budgets that the read would count against.
    """

    reading: Reading
    budgets: Budgets
    is_held: bool
    agreed: Agreed
    elsewhere: Tally = field(repr=False)
    rooms: tuple[Room, ...] = field(repr=False)

    @property
    def breach(self) -> Room | None:
        """Return the first budget that has no room for the read."""
        return breached(self.rooms)

    @property
    def is_due(self) -> bool:
        """Say whether who agreed must be counted anew before a budget may refuse the read.

        Nobody is held by an old number: where a few more people who agreed could make the room, seconds are old.
        """
        age = self.reading.at - self.agreed.at
        if self.breach is not None or not timedelta(0) <= age < _RECOUNTED_AFTER:
            return True
        return age >= _NEW_FOR and any(self._is_short(room) for room in self.rooms)

    def _is_short(self, room: Room) -> bool:
        added = room.budget.ceiling(self.agreed.people + _NEWCOMERS) - room.ceiling
        return room.ceiling - room.count <= added

    def by_hold_alone(self) -> "Count":
        """Return the count for a decision in which budgets have no say."""
        return replace(self, rooms=())

    def facts(self) -> Harvest:
        """Return what the policies judge by: of people and of how much, the budget with the least room.

        Where there is none for this read, it is counted in: then the count is above the ceiling.
        """
        people, volume = nearest(self.rooms, volume=False), nearest(self.rooms, volume=True)
        return Harvest(
            is_held=self.is_held,
            people=_with_this_read(people) if people else 0,
            people_ceiling=people.ceiling if people else 1,
            records=_with_this_read(volume) if volume else 0,
            records_ceiling=volume.ceiling if volume else 1,
        )


def look_up(
    session: Transaction, budgets: Budgets, reading: Reading, recount: Callable[[], int] | None = None
) -> Count:
    """Look up where a platform stands, by how many people had agreed when somebody last counted them.

    `recount` counts them, at all banks. That takes long: only where it is given, and never for who is held.
    """
    found = _look_up(session, budgets, reading)
    if recount is None or found.is_held:
        return found
    return _look_up(session, budgets, reading, recount())


def _look_up(session: Transaction, budgets: Budgets, reading: Reading, recounted: int | None = None) -> Count:
    found = seen_everywhere(session, reading)
    newest = max(found.tallies, key=lambda one: one.agreed_at, default=None)
    agreed = Agreed(newest.agreed, newest.agreed_at, is_news=False) if newest is not None else _NOBODY
    if recounted is not None:
        agreed = Agreed(recounted, reading.at, is_news=True)
    own = found.own(reading)
    # One sum, made here: under the log's lock the work must not grow with the number of banks.
    elsewhere = Tally(dict(own.since_s)).plus(one.tally for one in found.tallies if one.bank_id != reading.bank_id)
    counters = counted(found.known, reading.at_s, reading.oldest_s)
    return Count(
        reading=reading,
        budgets=budgets,
        is_held=found.is_held,
        agreed=agreed,
        elsewhere=elsewhere,
        rooms=budgets.touched(own.plus([elsewhere]), agreed.people, found.known, counters),
    )


@dataclass(frozen=True, slots=True)
class CountedRead:
    """Counts one read before the bank is asked, unless a budget is full or the platform is held in the category."""

    before: Count

    @property
    def key(self) -> str:
        """Return platform, category, bank and person."""
        return self.before.reading.key

    @property
    def loss(self) -> Loss:
        """Return what is told of a platform that reads too much."""
        return _LOSS

    def take(self, session: Transaction) -> bool:
        """Count the read; False when there is no room for it."""
        before, reading = self.before, self.before.reading
        found = seen_here(session, reading)
        if found.is_held:
            return False
        own, known = found.own(reading), found.known
        counters = counted(known, reading.at_s, reading.oldest_s)
        rooms = before.budgets.touched(own.plus([before.elsewhere]), before.agreed.people, known, counters)
        if breached(rooms) is not None:
            return False
        own.add(known, counters)
        store_tally(session, reading, own, before.agreed)
        store_known(session, reading, known.after(reading.at_s, reading.oldest_s))
        return True


@dataclass(frozen=True, slots=True)
class CountedRecords:
    """Counts the records that are about to leave; in a hold nothing leaves, however it came about meanwhile.

    The answer that fills a budget still leaves, at most one for each call under way; the next is refused.
    """

    before: Count
    records: int

    @property
    def key(self) -> str:
        """Return platform, category, bank and person."""
        return self.before.reading.key

    @property
    def loss(self) -> Loss:
        """Return what is told of a platform that reads too much."""
        return _LOSS

    def take(self, session: Transaction) -> bool:
        """Count the records; False when there is no room for them."""
        before, reading = self.before, self.before.reading
        found = seen_here(session, reading)
        if found.is_held:
            return False
        own = found.own(reading)
        rooms = before.budgets.rooms(own.plus([before.elsewhere]), before.agreed.people)
        if breached(room for room in rooms if room.budget.counter is Counter.RECORDS) is not None:
            return False
        own.add_volume(records=self.records)
        store_tally(session, reading, own, before.agreed)
        return True


def _with_this_read(room: Room) -> int:
    return room.count + 1 if room.count >= room.ceiling else room.count
