"""Single use: one conditional statement decides who was first, under any number of processes (invariant 6)."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Index, LargeBinary, String, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from broker.storage.base import Base, table_of
from broker.storage.prepared import Prepared, Transaction

_LARGEST_STEP = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Loss:
    """Why a condition does not hold: the `code` for the log and the caller and, unless it is a second use, a `rule`.

    The rule's id begins with `release.`, the prefix of the broker's own rules: no policy file has a say in it. `text`
    are its words for people.
    """

    code: str
    rule: str = ""
    text: str = ""


class Condition(Protocol):
    """Something that conditional statements decide inside the transaction that depends on it.

    The rows of every kind but `Claim` belong to one bank, whose log is locked meanwhile. What does not hold has changed
    nothing; what holds can be undone, by a savepoint of the session's connection.
    """

    @property
    def key(self) -> str:
        """Return what to sort by, so that everybody takes the same rows in the same order."""

    @property
    def loss(self) -> Loss:
        """Return what the log and the caller are told when it does not hold."""

    def take(self, session: Transaction) -> bool:
        """Make it so; False means that it does not hold. Call it inside a write transaction."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The wish to be the first and only user of a value within its namespace (`dpop`, `assertion`, `consent`).

    `expires_at` is when the value would be refused for its age anyway: lifetime plus clock skew, never less.
    """

    namespace: str
    value: str
    expires_at: datetime

    @property
    def key(self) -> str:
        """Return namespace and value."""
        return f"{self.namespace} {self.value}"

    @property
    def loss(self) -> Loss:
        """Return the code of a second use."""
        return Loss(f"{self.namespace}-replayed")

    def take(self, session: Transaction) -> bool:
        """Take the value."""
        return claim(session, self)


class SingleUse(Base):
    """One value that has been used. Trusted: who deletes rows here makes replays possible until they expire."""

    __tablename__ = "single_use"
    __table_args__ = (Index(None, "expires_at"),)

    namespace: Mapped[str] = mapped_column(String(32), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    expires_at: Mapped[datetime]


_VALUES = table_of(SingleUse)
_TAKEN = Prepared(
    {
        "sqlite": sqlite.insert(_VALUES).on_conflict_do_nothing().returning(_VALUES.c.namespace),
        "postgresql": postgresql.insert(_VALUES).on_conflict_do_nothing().returning(_VALUES.c.namespace),
    }
)


def claim(session: Transaction, wish: Claim) -> bool:
    """Take the value; False means that somebody took it before. Call it inside a write transaction."""
    taken = {
        "namespace": wish.namespace,
        "digest": hashlib.sha256(wish.value.encode("utf-8", "surrogatepass")).digest(),
        "expires_at": wish.expires_at,
    }
    return _TAKEN.first(session, **taken) is not None


def forgettable_since(session: Session) -> datetime | None:
    """Return from when on `forget_expired` deletes the oldest value that is still kept, None when nothing is kept."""
    oldest = session.scalar(select(func.min(SingleUse.expires_at)))
    return None if oldest is None else oldest + _LARGEST_STEP


def forget_expired(session: Session, now: datetime) -> None:
    """Delete what would be refused for its age anyway, even after the clock has stepped back by ten minutes."""
    session.execute(delete(SingleUse).where(SingleUse.expires_at < now - _LARGEST_STEP))
