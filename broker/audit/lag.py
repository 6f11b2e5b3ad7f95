"""How far the witnesses are behind: entries of each current log that they have not cosigned, and how old those are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from broker.audit.models import EntryRow, LogState
from broker.audit.witnessed import last_size
from broker.clock import instant


@dataclass(frozen=True, slots=True)
class WitnessLag:
    """Entries that one witness has not cosigned, and the age in seconds of the oldest of them."""

    witness: str
    behind: int
    lag_s: float


@dataclass(frozen=True, slots=True)
class LogLag:
    """One current log: the bank's id (or the operator's name), the age of its newest checkpoint in seconds."""

    owner: str
    age_s: float
    witnesses: tuple[WitnessLag, ...]


def log_lags(session: Session, witnesses: Sequence[str], now: datetime) -> list[LogLag]:
    """Return how far each witness is behind in each current log that has entries."""
    logs = session.scalars(select(LogState).where(LogState.is_current, LogState.size > 0).order_by(LogState.owner))
    return [
        LogLag(log.owner, _age(log.last_time_us, now), tuple(_lag(session, log, name, now) for name in witnesses))
        for log in logs
    ]


def _lag(session: Session, log: LogState, witness: str, now: datetime) -> WitnessLag:
    seen = last_size(session, log.name, witness)
    first = session.scalar(select(EntryRow.time_us).where(EntryRow.log == log.name, EntryRow.number == seen))
    return WitnessLag(witness, max(0, log.size - seen), 0.0 if first is None else _age(first, now))


def _age(time_us: int, now: datetime) -> float:
    return max(0.0, (now - instant(time_us)).total_seconds())
