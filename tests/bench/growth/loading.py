"""Loads a database with very many grants and entries: hashed, chained, signed and sealed by the shipped writer."""

import heapq
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Index, Table, text
from sqlalchemy.orm import Session

from broker.audit.leaf import Draft, draft
from broker.audit.models import EntryRow
from broker.audit.writer import Writer
from broker.banks.service import Bank, add
from broker.grants.models import GrantRow
from broker.harvest.models import HarvestReadRow
from broker.notices.models import NoticeRow
from broker.storage.base import new_id, table_of
from broker.storage.engine import Database
from broker.tokens.models import TokenRow
from tests.bench.growth.plan import PLATFORMS, Telling, tellings
from tests.bench.growth.retelling import Person, Retold, rows_of
from tests.bench.growth.stories import BANKS, TABLES, Stories
from tests.support.core import LOG_KEYS, NOON, House, registered

HOST = "broker.example"
BATCH = 2_000
"""Entries of one log in one transaction."""
_INDEXED = (EntryRow, GrantRow, NoticeRow, HarvestReadRow, TokenRow)
Told = Callable[[int, int, float], None]
"""Is told how many grants and entries stand, and after how many seconds."""


class Schedule:
    """A clock that says the times of the entries, one after the other: a writer looks once before, once for each."""

    def __init__(self, at: datetime) -> None:
        self._times = deque([at])

    def __call__(self) -> datetime:
        return self._times.popleft() if len(self._times) > 1 else self._times[0]

    def set(self, times: list[datetime]) -> None:
        """Say these from now on."""
        self._times = deque([times[0], *times])


@dataclass(slots=True)
class Loader:
    """Tells stories into one database, in the order of their times, so that people's entries stand among each other."""

    house: House
    stories: Stories
    told: Told
    clock: Schedule = field(init=False)
    writer: Writer = field(init=False)
    grants: int = 0
    entries: int = 0
    _people: dict[int, Person] = field(default_factory=dict)
    _rows: dict[Table, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    _drafts: dict[str, list[tuple[datetime, Draft]]] = field(default_factory=lambda: defaultdict(list))
    _began: float = field(default_factory=time.monotonic)

    @property
    def took_s(self) -> float:
        """Return how long it has been at work."""
        return time.monotonic() - self._began

    def load(self, grants: int, entries: int) -> None:
        """Load so many grants with about so many entries, up to the house's noon."""
        waiting: list[tuple[datetime, int, int, Retold]] = []
        planned = tellings(self.stories, grants, entries, NOON - timedelta(minutes=5))
        following = next(planned, None)
        self.clock = Schedule(following.begins_at if following else NOON)
        self.writer = Writer(self.house.sealer, LOG_KEYS, self.clock, HOST)
        year = self.clock().year
        with indexes_later(self.house.database):
            while waiting or following is not None:
                if following is not None and (not waiting or following.begins_at <= waiting[0][0]):
                    heapq.heappush(waiting, (following.begins_at, self.grants, 0, self._begun(following)))
                    following = next(planned, None)
                at, number, step, retold = heapq.heappop(waiting)
                if at.year != year:
                    self._flush()
                    self._turn(at)
                    year = at.year
                self._say(at, retold, step)
                if step + 1 < len(retold.story.steps):
                    after = retold.story.began_at + retold.shift + retold.story.steps[step + 1].after
                    heapq.heappush(waiting, (after, number, step + 1, retold))
            self._flush()

    def _begun(self, telling: Telling) -> Retold:
        person = self._people.get(telling.person)
        if person is None:
            word = f"{telling.bank}-{telling.person:08}"
            person = self._people[telling.person] = Person(new_id(telling.begins_at), word)
        story = self.stories[telling.bank, telling.kind, telling.reads]
        shift = telling.begins_at - story.began_at
        retold = Retold(story, person, PLATFORMS[telling.platform], new_id(telling.begins_at), shift)
        for table, row in rows_of(retold, self.house.sealer, self._digest, NOON):
            self._rows[table].append(row)
        self.grants += 1
        return retold

    def _digest(self, bank: str, subject: str) -> bytes:
        return bytes.fromhex(self.house.users.staff_id(bank, subject))

    def _say(self, at: datetime, retold: Retold, step: int) -> None:
        drafts = self._drafts[retold.story.bank]
        drafts.append((at, draft(retold.entry(step))))
        self.entries += 1
        if len(drafts) >= BATCH:
            self._flush()
        if self.entries % 100_000 == 0:
            self.told(self.grants, self.entries, self.took_s)

    def _flush(self) -> None:
        with self.house.database.write() as session:
            _unhurried(session)
            for table in TABLES:
                if rows := self._rows.pop(table, None):
                    session.connection().execute(table.insert(), rows)
            for bank, drafts in sorted(self._drafts.items()):
                log = self.writer.lock(session, [bank])[bank]
                self.clock.set([at for at, _ in drafts])
                self.writer.write(session, log, [drafted for _, drafted in drafts])
        self._drafts.clear()

    def _turn(self, at: datetime) -> None:
        """Close each log with the year, and open the next one."""
        for bank in BANKS:
            with self.house.database.write() as session:
                self.clock.set([at])
                log, name = self.writer.lock(session, [bank])[bank], f"{HOST}/audit/{bank}/{at.year}"
                if log.name != name:  # a bank of which nothing was told before has just got it
                    self.writer.succeed(session, log, bank, name)


def load(house: House, stories: Stories, grants: int, entries: int, told: Told) -> Loader:
    """Load an empty house; return what was loaded."""
    with house.database.write() as session:
        session.add_all(registered(name) for name in PLATFORMS[1:])
        for bank in BANKS:
            address = f"https://{bank}.example"
            add(session, Bank(bank, bank.title(), "fdx", address, address, "broker", "openid"), NOON)
    loader = Loader(house, stories, told)
    loader.load(grants, entries)
    return loader


@contextmanager
def indexes_later(database: Database) -> Iterator[None]:
    """Make the indexes of the largest tables when they are full: row by row it would take several times as long."""
    several = [index for row in _INDEXED for index in sorted(table_of(row).indexes, key=_named)]
    with database.write() as session:
        for index in several:
            index.drop(session.connection())
    yield
    with database.write() as session:
        _unhurried(session)
        for index in several:
            index.create(session.connection())
    if database.engine.dialect.name == "postgresql":
        # What autovacuum does in its own time.
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text("VACUUM ANALYZE"))


def _unhurried(session: Session) -> None:
    if session.connection().dialect.name == "postgresql":
        session.execute(text("SET LOCAL statement_timeout = 0"))


def _named(index: Index) -> str:
    return str(index.name)
