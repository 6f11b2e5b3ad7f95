"""Writes into the logs which keys sign them from now on; each log by itself, and none twice."""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import LargeBinary, cast, select
from sqlalchemy.orm import Session

from broker.audit.log_keys import LogKeys
from broker.audit.models import EntryRow, LogState
from broker.audit.retention import name_of
from broker.audit.sequencer import Sequencer
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.errors import LogUnavailable


@dataclass(frozen=True, slots=True)
class Told:
    """The logs that say it now, and those that could not be written, each with the reason's code."""

    written: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]


def tell_logs(sequencer: Sequencer, keys: LogKeys) -> Told:
    """Append `keys.rotated` to every current log whose newest such entry names other keys than those that sign.

    A log that cannot be written does not keep the others from it: a repetition writes what is missing, and only that.

    Raises:
        StorageUnavailable: the database cannot be read.
    """
    stated = [b64encode(key).decode() for key in keys.signing_keys]
    written, failed = [], []
    for log in sequencer.look_up(lambda session: _untold(session, stated)):
        bank = name_of(log).bank_id
        entry = Entry(Event.KEYS_ROTATED, Initiator.DATA_ACCESS_PLATFORM, bank_id=bank, stated={"logKeys": stated})
        try:
            with sequencer.transaction([bank]) as transaction:
                transaction.append(entry)
            written.append(log)
        except LogUnavailable as error:
            failed.append((log, error.code))
    return Told(tuple(written), tuple(failed))


def _untold(session: Session, stated: Sequence[str]) -> list[str]:
    # By name alone: one log whose state is damaged must not keep the others from it.
    current = session.scalars(select(LogState.name).where(LogState.is_current).order_by(LogState.owner)).all()
    return [log for log in current if _newest(session, log) != stated]


def _newest(session: Session, log: str) -> list[str] | None:
    """Return the keys that the newest entry about them names."""
    leaves = select(cast(EntryRow.leaf, LargeBinary)).where(EntryRow.log == log)
    about = leaves.where(EntryRow.event == Event.KEYS_ROTATED.value)
    leaf = session.scalar(about.order_by(EntryRow.number.desc()).limit(1))
    found = None if leaf is None else json.loads(leaf).get("logKeys")
    return found if isinstance(found, list) else None
