"""Counts the reads of a category under a grant, each day and apart by whether the person was there (invariant 6).

A read is counted by the entry that announces it: it reached the bank, whatever the bank answered.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Index, Row, String, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.sql.dml import ReturningInsert

from broker.clock import day_of
from broker.storage.base import Base, table_of
from broker.storage.prepared import Prepared, Transaction
from broker.storage.single_use import Claim, Loss, claim

_KEPT = timedelta(days=2)  # today, and what a clock that steps back may take for today


class ReadsRow(Base):
    """How often one category was read under one grant on one UTC day. Trusted: who lowers it lets more be read."""

    __tablename__ = "grant_reads"
    __table_args__ = (Index(None, "day"),)

    grant_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    category: Mapped[str] = mapped_column(String(40), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    attended: Mapped[int]
    unattended: Mapped[int]


@dataclass(frozen=True, slots=True)
class Counted:
    """How often a category was read on one day: while the person was there, and on the platform's own account."""

    attended: int = 0
    unattended: int = 0


@dataclass(frozen=True, slots=True)
class Read:
    """The wish to read a category once more today. `ceiling` is how often it may be, for reads of this kind."""

    grant_id: str
    category: str
    day: date
    is_attended: bool
    ceiling: int

    @property
    def key(self) -> str:
        """Return grant and category."""
        return f"read {self.grant_id} {self.category}"

    @property
    def loss(self) -> Loss:
        """Return what is told of a day that is used up."""
        return Loss("frequency-exceeded", "release.reads", "Another call has taken the last read of the day.")

    def take(self, session: Transaction) -> bool:
        """Count the read in one conditional statement; False when the day is used up."""
        if self.ceiling < 1:
            return False
        counted = {
            "grant_id": self.grant_id,
            "category": self.category,
            "day": self.day,
            "attended": int(self.is_attended),
            "unattended": int(not self.is_attended),
        }
        return _COUNTED[self.is_attended].first(session, **counted, ceiling=self.ceiling) is not None


@dataclass(frozen=True, slots=True)
class ReadOn:
    """The wish to go on with a read that was counted: its next page, for once; asked for again it is a read."""

    read: Read
    page: Claim

    @property
    def key(self) -> str:
        """Return the key of the read."""
        return self.read.key

    @property
    def loss(self) -> Loss:
        """Return what is told of a day that is used up."""
        return self.read.loss

    def take(self, session: Transaction) -> bool:
        """Take the page, or else count a read."""
        return claim(session, self.page) or self.read.take(session)


_READS = table_of(ReadsRow)
_KEYS = (_READS.c.grant_id, _READS.c.category, _READS.c.day)


def _counted(insert: postgresql.Insert | sqlite.Insert, column: ColumnElement[int]) -> ReturningInsert[Any]:
    more = {name: _READS.c[name] + insert.excluded[name] for name in ("attended", "unattended")}
    day_has_room = column < bindparam("ceiling")
    return insert.on_conflict_do_update(index_elements=_KEYS, set_=more, where=day_has_room).returning(_READS.c.day)


_COUNTED = {
    is_attended: Prepared(
        {
            "postgresql": _counted(postgresql.insert(_READS), column),
            "sqlite": _counted(sqlite.insert(_READS), column),
        }
    )
    for is_attended, column in ((True, _READS.c.attended), (False, _READS.c.unattended))
}
OF_DAY = select(_READS.c.attended, _READS.c.unattended).where(
    _READS.c.grant_id == bindparam("of_grant"),
    _READS.c.category == bindparam("of_category"),
    _READS.c.day == bindparam("on"),
)
"""How often a category (`of_category`) was read under a grant (`of_grant`) on a UTC day (`on`), for a statement that
asks for more."""


def counted_by(row: Row[Any] | None) -> Counted:
    """Return how often it was read, by the row of `OF_DAY`; without one it never was."""
    return Counted() if row is None else Counted(row.attended, row.unattended)


def forget_old_reads(session: Session, now: datetime) -> None:
    """Delete the counts of days that no clock takes for today any more."""
    session.execute(delete(ReadsRow).where(ReadsRow.day < day_of(now - _KEPT)))
