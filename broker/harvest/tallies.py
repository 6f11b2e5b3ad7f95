"""Keeps the counters of harvest limits: one row for each platform, category and bank, one for each person read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal_column,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from broker.clock import microseconds
from broker.harvest.models import HarvestReadRow, HarvestTallyRow, HoldRow
from broker.policy.harvest import Counter, Known, Span, Tally
from broker.storage.base import table_of
from broker.storage.prepared import Prepared, Transaction

# After a season's silence it makes no difference how long it was; a little more, for clocks that step.
_KEPT_S = 86 * 86_400
_TALLIES, _READS = table_of(HarvestTallyRow), table_of(HarvestReadRow)
_HOLDS = table_of(HoldRow)
_KEYS = {"platform_id": "of_platform", "category": "of_category", "bank_id": "of_bank", "user_id": "of_user"}


def _named(table: Table, *columns: str) -> list[ColumnElement[bool]]:
    return [table.c[name] == bindparam(_KEYS[name]) for name in columns]


def _seen(*of_tallies: str) -> Prepared:
    """Ask for all that a read is counted by in one row for each tally, and in one at least."""
    one = select(literal_column("1").label("one")).subquery()
    held = exists().where(*_named(_HOLDS, "platform_id", "category"), _HOLDS.c.lifted_at.is_(None))
    found = one.outerjoin(_TALLIES, and_(*_named(_TALLIES, *of_tallies)))
    found = found.outerjoin(_READS, and_(*_named(_READS, "platform_id", "category", "bank_id", "user_id")))
    tally = (_TALLIES.c[name] for name in ("bank_id", "counts", "agreed", "agreed_at"))
    return Prepared(select(*tally, _READS.c.read_s, _READS.c.reached_s, held.label("is_held")).select_from(found))


_AT_ALL_BANKS, _AT_ONE_BANK = _seen("platform_id", "category"), _seen("platform_id", "category", "bank_id")
_TALLY_KEY = ("platform_id", "category", "bank_id")
_READ_KEY = (*_TALLY_KEY, "user_id")


def _kept(
    insert: sqlite.Insert | postgresql.Insert, key: tuple[str, ...], *values: str
) -> sqlite.Insert | postgresql.Insert:
    return insert.on_conflict_do_update(index_elements=key, set_={name: insert.excluded[name] for name in values})


def _tally_kept(*values: str) -> Prepared:
    return Prepared(
        {
            "sqlite": _kept(sqlite.insert(_TALLIES), _TALLY_KEY, *values),
            "postgresql": _kept(postgresql.insert(_TALLIES), _TALLY_KEY, *values),
        }
    )


# Who has not counted the people anew must not put what it saw over what somebody has counted meanwhile.
_TALLY_KEPT = {False: _tally_kept("counts"), True: _tally_kept("counts", "agreed", "agreed_at")}
_READ_KEPT = Prepared(
    {
        "sqlite": _kept(sqlite.insert(_READS), _READ_KEY, "read_s", "reached_s"),
        "postgresql": _kept(postgresql.insert(_READS), _READ_KEY, "read_s", "reached_s"),
    }
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
    def key(self) -> str:
        """Return platform, category, bank and person."""
        return f"harvest {self.platform_id} {self.category} {self.bank_id} {self.user_id}"

    @property
    def names(self) -> dict[str, str]:
        """Return the values that find the rows of the read."""
        return {
            "of_platform": self.platform_id,
            "of_category": self.category,
            "of_bank": self.bank_id,
            "of_user": self.user_id,
        }


@dataclass(frozen=True, slots=True)
class BankTally:
    """The counters at one bank, and how many people had agreed at all banks when they were last counted there."""

    bank_id: str
    tally: Tally
    agreed: int
    agreed_at: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """What a read is counted by: whether the platform is held, the tallies of banks, what is known of the person."""

    is_held: bool
    tallies: tuple[BankTally, ...]
    known: Known

    def own(self, reading: Reading) -> Tally:
        """Return the counters at the bank of the read."""
        return next((one.tally for one in self.tallies if one.bank_id == reading.bank_id), begun(None, reading))


def seen_everywhere(session: Transaction, reading: Reading) -> Seen:
    """Look at the counters of the platform and category at every bank, as they are at the instant of the read."""
    return _as_seen(_AT_ALL_BANKS.all(session, **reading.names), reading)


def seen_here(session: Transaction, reading: Reading) -> Seen:
    """Look at those of the read's bank. Call it under the lock of that bank's log: who writes holds it."""
    return _as_seen(_AT_ONE_BANK.all(session, **reading.names), reading)


def _as_seen(rows: Sequence[Any], reading: Reading) -> Seen:
    tallies = (
        BankTally(row.bank_id, begun(row.counts, reading), row.agreed, row.agreed_at) for row in rows if row.counts
    )
    first = rows[0]
    known = Known(_seconds(reading.agreed_at), first.read_s, first.reached_s)
    return Seen(bool(first.is_held), tuple(tallies), known)


@dataclass(frozen=True, slots=True)
class Agreed:
    """How many people had agreed at all banks at an instant. `is_news`: it was counted just now, by who has it."""

    people: int
    at: datetime
    is_news: bool


def store_tally(session: Transaction, reading: Reading, own: Tally, agreed: Agreed) -> None:
    """Store the counters at the bank of the read. Call it under the lock of that bank's log."""
    row = {
        "platform_id": reading.platform_id,
        "category": reading.category,
        "bank_id": reading.bank_id,
        "counts": own.to_json(),
        "agreed": agreed.people,
        "agreed_at": agreed.at,
    }
    _TALLY_KEPT[agreed.is_news].change(session, **row)


def stalest(session: Session, before: datetime) -> tuple[str, str] | None:
    """Return the platform and category whose people were counted longest ago, None when all were since `before`."""
    newest = func.max(HarvestTallyRow.agreed_at)
    query = select(HarvestTallyRow.platform_id, HarvestTallyRow.category)
    query = query.group_by(HarvestTallyRow.platform_id, HarvestTallyRow.category).having(newest < before)
    found = session.execute(query.order_by(newest).limit(1)).first()
    return None if found is None else (found.platform_id, found.category)


def store_agreed(session: Session, platform_id: str, category: str, people: int, at: datetime) -> None:
    """Store how many people have agreed; in one row, for the newest of all banks' counts."""
    of_all = (HarvestTallyRow.platform_id == platform_id, HarvestTallyRow.category == category)
    one = select(func.min(HarvestTallyRow.bank_id)).where(*of_all).scalar_subquery()
    session.execute(
        update(HarvestTallyRow).where(*of_all, HarvestTallyRow.bank_id == one).values(agreed=people, agreed_at=at)
    )


def store_known(session: Transaction, reading: Reading, known: Known) -> None:
    """Store when the person was read. Call it under the lock of the bank's log."""
    row = {
        "platform_id": reading.platform_id,
        "category": reading.category,
        "bank_id": reading.bank_id,
        "user_id": reading.user_id,
        "read_s": known.read_s,
        "reached_s": known.reached_s,
    }
    _READ_KEPT.change(session, **row)


@dataclass(frozen=True, slots=True)
class PeopleRead:
    """How many people of a bank a platform has read in a category since the month of 28 days began."""

    platform_id: str
    category: str
    people: int


def people_read(session: Session, bank_id: str, now: datetime) -> list[PeopleRead]:
    """Return whom each platform has read at a bank, by platform and category."""
    query = select(HarvestTallyRow).where(HarvestTallyRow.bank_id == bank_id)
    found = []
    for row in session.scalars(query.order_by(HarvestTallyRow.platform_id, HarvestTallyRow.category)):
        tally = Tally.from_json(row.counts)
        tally.begin(_seconds(now))
        found.append(PeopleRead(row.platform_id, row.category, tally.counts[Span.MONTH][Counter.PEOPLE]))
    return found


def forget_long_silent(session: Session, now: datetime) -> None:
    """Delete what was last read more than a season ago: who is read then counts as long silent either way."""
    # Without the lock of any log: in the order of the keys, and past the rows that a batch holds, nobody waits.
    key = [_READS.c[name] for name in _READ_KEY]
    silent = select(*key).where(_READS.c.read_s < _seconds(now) - _KEPT_S).order_by(*key)
    session.execute(delete(_READS).where(tuple_(*key).in_(silent.with_for_update(skip_locked=True))))


def forget_person(session: Session, user_id: str, bank_id: str) -> None:
    """Delete when a person's data at a bank was read; for who is forgotten there."""
    about = (HarvestReadRow.user_id == user_id, HarvestReadRow.bank_id == bank_id)
    session.execute(delete(HarvestReadRow).where(*about))


def begun(counts: Mapping[str, Any] | None, reading: Reading) -> Tally:
    """Return the counters as they are at the instant of the read; all nothing where none are stored."""
    tally = Tally() if counts is None else Tally.from_json(counts)
    tally.begin(reading.at_s)
    return tally


def _seconds(instant: datetime) -> int:
    return microseconds(instant) // 1_000_000
