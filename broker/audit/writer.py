"""Writes entries at the end of their log, under the log's lock."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from broker.audit.models import DetailRow, EntryRow, LogState
from broker.audit.subjects import subject_of
from broker.audit.vocabulary import OPERATOR_LOG, Appended, Entry
from broker.clock import Clock, microseconds
from broker.crypto.digests import canonical_json
from broker.crypto.sealing import Sealer
from broker.errors import StorageUnavailable
from broker.storage.base import table_of

_LEAF_VERSION = 1
# Built once: composing a statement costs more than running it.
_LOGS, _ENTRIES, _DETAILS = table_of(LogState), table_of(EntryRow), table_of(DetailRow)
_LOCKED = (
    select(_LOGS.c.name, _LOGS.c.size, _LOGS.c.last_time_us)
    .where(_LOGS.c.owner == bindparam("of_owner"), _LOGS.c.is_current)
    .with_for_update()
)
_GROWN = (
    update(_LOGS)
    .where(_LOGS.c.name == bindparam("of_name"), _LOGS.c.size == bindparam("old_size"))
    .values(size=bindparam("new_size"), last_time_us=bindparam("new_time"))
)
_OPENED = {
    "sqlite": sqlite.insert(_LOGS).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(_LOGS).on_conflict_do_nothing(),
}


@dataclass(slots=True)
class Log:
    """The end of one log, whose lock is held."""

    name: str
    size: int
    last_time_us: int


class Writer:
    """Numbers entries and stores them. `host` is the broker's host name; the logs' names begin with it."""

    def __init__(self, sealer: Sealer, clock: Clock, host: str) -> None:
        self._sealer = sealer
        self._clock = clock
        self._host = host

    def lock(self, session: Session, banks: Sequence[str | None]) -> dict[str | None, Log]:
        """Lock the state rows in one order, whoever asks: sorted by owner. Return the end of each bank's log."""
        return {bank: self._locked(session, bank) for bank in sorted(set(banks), key=_owner)}

    def write(self, session: Session, log: Log, entries: Sequence[Entry]) -> list[Appended]:
        """Add entries to one locked log, in this order, and return where they stand.

        Raises:
            StorageUnavailable: the log has grown without its lock; nothing may be committed.
        """
        first, time_us = log.size, log.last_time_us
        rows: list[dict[str, Any]] = []
        details: list[dict[str, Any]] = []
        for number, entry in enumerate(entries, start=first):
            # A clock that steps back must not reorder the log.
            time_us = max(microseconds(self._clock()), time_us)
            row, detail = self._rows(session, log.name, number, time_us, entry)
            rows.append(row)
            details += detail
        connection = session.connection()
        connection.execute(insert(_ENTRIES), rows)
        if details:
            connection.execute(insert(_DETAILS), details)
        # By compare and swap: whatever failed above, two writers never share a number.
        size = first + len(entries)
        grown = {"of_name": log.name, "old_size": first, "new_size": size, "new_time": time_us}
        if connection.execute(_GROWN, grown).rowcount != 1:
            raise StorageUnavailable
        log.size, log.last_time_us = size, time_us
        return [Appended(log=log.name, number=number) for number in range(first, size)]

    def _rows(
        self, session: Session, log: str, number: int, time_us: int, entry: Entry
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        subject = None
        if entry.user_id is not None and entry.bank_id is not None:
            now = self._clock()
            subject = subject_of(session, self._sealer, user_id=entry.user_id, bank_id=entry.bank_id, now=now)
        pseudonym = subject.pseudonym if subject else None
        row = {
            "log": log,
            "number": number,
            "time_us": time_us,
            "event": entry.event.value,
            "subject": pseudonym,
            "grant_id": entry.grant_id,
            "interaction_id": entry.interaction_id,
            "leaf": _leaf(log, number, time_us, pseudonym, entry),
        }
        if not entry.details:
            return row, []
        sealer = subject.sealer if subject else self._sealer
        plain = json.dumps(entry.details, ensure_ascii=False).encode()
        return row, [{"log": log, "number": number, "sealed": sealer.seal(plain, f"audit_details/{log}/{number}")}]

    def _locked(self, session: Session, bank: str | None) -> Log:
        connection, owner = session.connection(), {"of_owner": _owner(bank)}
        found = connection.execute(_LOCKED, owner).first()
        if found is None:
            # An owner's first log; when two processes race, one row stands and both use it.
            name = f"{self._host}/audit/{_owner(bank)}/{self._clock().year}"
            first = {"name": name, "owner": _owner(bank), "size": 0, "last_time_us": 0, "is_current": True}
            connection.execute(_OPENED[connection.dialect.name], first)
            found = connection.execute(_LOCKED, owner).one()
        return Log(found.name, found.size, found.last_time_us)


def _owner(bank: str | None) -> str:
    return bank or OPERATOR_LOG


def _leaf(log: str, number: int, time_us: int, subject: str | None, entry: Entry) -> bytes:
    fields = {
        "v": _LEAF_VERSION,
        "log": log,
        "number": number,
        "time": time_us,
        "event": entry.event.value,
        "initiator": entry.initiator.value,
        "decision": entry.decision,
        "subject": subject,
        "platform": entry.platform_id,
        "grant": entry.grant_id,
        "grantVersion": entry.grant_version,
        "category": entry.category,
        "purpose": entry.purpose,
        "interactionId": entry.interaction_id,
        "policy": entry.policy_digest,
        "reasons": list(entry.reasons) or None,
        "records": entry.records,
        "accounts": entry.accounts,
    }
    return canonical_json({name: value for name, value in fields.items() if value is not None})
