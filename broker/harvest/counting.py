"""Counts reads in the transaction that logs them, and refuses those that a budget has no room for.

Trusted: the counters of one bank are exact, because they change under the lock of that bank's log alone; those of the
other banks are added as they were when the call began.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, and_, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from broker.clock import microseconds
from broker.harvest.holds import is_held
from broker.harvest.models import HarvestReadRow, HarvestTallyRow
from broker.policy import Harvest
from broker.policy.harvest import Budgets, Counter, Known, Room, Tally, breached, counted, nearest
from broker.storage.base import table_of

HOLD: Final = "harvest-hold"
_RECOUNTED_AFTER: Final = timedelta(minutes=15)
# After a month's silence it makes no difference how long it was; a little more, for clocks that step.
_KEPT_S: Final = 30 * 86_400
_TALLIES, _READS = table_of(HarvestTallyRow), table_of(HarvestReadRow)
_OF_PLATFORM = and_(
    _TALLIES.c.platform_id == bindparam("of_platform"), _TALLIES.c.category == bindparam("of_category")
)
_ALL_BANKS = select(_TALLIES.c.bank_id, _TALLIES.c.counts, _TALLIES.c.agreed, _TALLIES.c.agreed_at).where(_OF_PLATFORM)
_ONE_BANK = select(_TALLIES.c.counts).where(_OF_PLATFORM, _TALLIES.c.bank_id == bindparam("of_bank"))
_PERSON = select(_READS.c.read_s, _READS.c.reached_s).where(
    _READS.c.platform_id == bindparam("of_platform"),
    _READS.c.category == bindparam("of_category"),
    _READS.c.bank_id == bindparam("of_bank"),
    _READS.c.user_id == bindparam("of_user"),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One read that is about to be counted. `agreed_at`: when the person gave the grant.

    `oldest_at`: the earliest instant that is asked for, None for a category without history.
    """

    platform_id: str
    category: str
    bank_id: str
    user_id: str
    agreed_at: datetime
    at: datetime
    oldest_at: datetime | None = None

    @property
    def at_s(self) -> int:
        """Return the instant of the read in whole seconds since 1970."""
        return _seconds(self.at)

    @property
    def oldest_s(self) -> int | None:
        """Return the earliest instant asked for in whole seconds since 1970."""
        return None if self.oldest_at is None else _seconds(self.oldest_at)

    @property
    def row(self) -> dict[str, str]:
        """Return the parameters that find the rows of platform, category, bank and person."""
        return {
            "of_platform": self.platform_id,
            "of_category": self.category,
            "of_bank": self.bank_id,
            "of_user": self.user_id,
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a platform stands with a category before a read: `elsewhere` are its tallies at the other banks.

    `rooms` are the budgets that the read would count against.
    """

    reading: Reading
    budgets: Budgets
    is_held: bool
    agreed: int
    agreed_at: datetime
    elsewhere: tuple[Tally, ...] = field(repr=False)
    rooms: tuple[Room, ...] = field(repr=False)

    @property
    def breach(self) -> Room | None:
        """Return the first budget that has no room for the read."""
        return breached(self.rooms)

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


def standing(session: Session, budgets: Budgets, reading: Reading, recount: Callable[[Session], int]) -> Standing:
    """Look up where a platform stands. `recount` counts the people who agreed, at all banks; that is kept a while."""
    connection = session.connection()
    rows = connection.execute(_ALL_BANKS, reading.row).all()
    newest = max(rows, key=lambda row: row.agreed_at, default=None)
    agreed, agreed_at = (newest.agreed, newest.agreed_at) if newest else (0, None)
    if agreed_at is None or not timedelta(0) <= reading.at - agreed_at < _RECOUNTED_AFTER:
        agreed, agreed_at = recount(session), reading.at
    own = _tally(next((row for row in rows if row.bank_id == reading.bank_id), None), reading.at_s)
    elsewhere = tuple(_tally(row, reading.at_s) for row in rows if row.bank_id != reading.bank_id)
    return Standing(
        reading=reading,
        budgets=budgets,
        is_held=is_held(session, reading.platform_id, reading.category),
        agreed=agreed,
        agreed_at=agreed_at,
        elsewhere=elsewhere,
        rooms=_touched(session, budgets, reading, own, own.plus(elsewhere), agreed)[0],
    )


@dataclass(frozen=True, slots=True)
class CountedRead:
    """Counts one read before the bank is asked, unless a budget is full or the platform is held in the category."""

    standing: Standing

    @property
    def key(self) -> str:
        """Return platform, category, bank and person."""
        return " ".join(("harvest", *self.standing.reading.row.values()))

    @property
    def lost_reason(self) -> str:
        """Return the code of a platform that reads too much."""
        return HOLD

    def take(self, session: Session) -> bool:
        """Count the read; False when there is no room for it."""
        before, reading = self.standing, self.standing.reading
        if is_held(session, reading.platform_id, reading.category):
            return False
        own = _locked(session, reading)
        rooms, known, counters = _touched(
            session, before.budgets, reading, own, own.plus(before.elsewhere), before.agreed
        )
        if breached(rooms) is not None:
            return False
        own.add(known, counters)
        _store(session, before, own)
        _store_person(session, reading, known.after(reading.at_s, reading.oldest_s))
        return True


@dataclass(frozen=True, slots=True)
class CountedRecords:
    """Counts the records that are about to leave; in a hold nothing leaves, however it came about meanwhile."""

    standing: Standing
    records: int

    @property
    def key(self) -> str:
        """Return platform, category, bank and person."""
        return " ".join(("harvest", *self.standing.reading.row.values()))

    @property
    def lost_reason(self) -> str:
        """Return the code of a platform that reads too much."""
        return HOLD

    def take(self, session: Session) -> bool:
        """Count the records; False when there is no room for them."""
        before, reading = self.standing, self.standing.reading
        if is_held(session, reading.platform_id, reading.category):
            return False
        own = _locked(session, reading)
        own.add_volume(records=self.records)
        rooms = before.budgets.rooms(own.plus(before.elsewhere), before.agreed)
        if any(room.budget.counter is Counter.RECORDS and room.count > room.ceiling for room in rooms):
            return False
        _store(session, before, own)
        return True


def forget_long_silent(session: Session, now: datetime) -> None:
    """Delete what was last read more than a month ago: whoever is read then counts as long silent either way."""
    session.execute(delete(HarvestReadRow).where(HarvestReadRow.read_s < _seconds(now) - _KEPT_S))


def forget_person(session: Session, user_id: str, bank_id: str) -> None:
    """Delete when a person's data at a bank was read; for who is forgotten there."""
    about = (HarvestReadRow.user_id == user_id, HarvestReadRow.bank_id == bank_id)
    session.execute(delete(HarvestReadRow).where(*about))


def _with_this_read(room: Room) -> int:
    return room.count + 1 if room.count >= room.ceiling else room.count


def _touched(
    session: Session, budgets: Budgets, reading: Reading, own: Tally, total: Tally, agreed: int
) -> tuple[tuple[Room, ...], Known, Sequence[Counter]]:
    person = session.connection().execute(_PERSON, reading.row).first()
    known = Known(_seconds(reading.agreed_at), *(person or (None, None)))
    counters = counted(known, reading.at_s, reading.oldest_s)
    return budgets.touched(total, agreed, known, counters), known, counters


def _locked(session: Session, reading: Reading) -> Tally:
    """Return the bank's own counters. Who writes this row holds the lock of the bank's log."""
    return _tally(session.connection().execute(_ONE_BANK, reading.row).first(), reading.at_s)


def _tally(row: Row[Any] | None, at_s: int) -> Tally:
    tally = Tally() if row is None else Tally.from_json(row.counts)
    tally.begin(at_s)
    return tally


_NEW_TALLY = {"sqlite": sqlite.insert(_TALLIES), "postgresql": postgresql.insert(_TALLIES)}
_KEPT = {
    name: new.on_conflict_do_update(
        index_elements=["platform_id", "category", "bank_id"],
        set_={"counts": new.excluded.counts, "agreed": new.excluded.agreed, "agreed_at": new.excluded.agreed_at},
    )
    for name, new in _NEW_TALLY.items()
}
_NEW_READ = {"sqlite": sqlite.insert(_READS), "postgresql": postgresql.insert(_READS)}
_SEEN = {
    name: new.on_conflict_do_update(
        index_elements=["platform_id", "category", "bank_id", "user_id"],
        set_={"read_s": new.excluded.read_s, "reached_s": new.excluded.reached_s},
    )
    for name, new in _NEW_READ.items()
}


def _store(session: Session, standing: Standing, own: Tally) -> None:
    connection, reading = session.connection(), standing.reading
    row = {
        "platform_id": reading.platform_id,
        "category": reading.category,
        "bank_id": reading.bank_id,
        "counts": own.to_json(),
        "agreed": standing.agreed,
        "agreed_at": standing.agreed_at,
    }
    connection.execute(_KEPT[connection.dialect.name], row)


def _store_person(session: Session, reading: Reading, known: Known) -> None:
    connection = session.connection()
    row = {
        "platform_id": reading.platform_id,
        "category": reading.category,
        "bank_id": reading.bank_id,
        "user_id": reading.user_id,
        "read_s": known.read_s,
        "reached_s": known.reached_s,
    }
    connection.execute(_SEEN[connection.dialect.name], row)


def _seconds(instant: datetime) -> int:
    return microseconds(instant) // 1_000_000
