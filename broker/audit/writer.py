"""Writes entries at the end of their log, under the log's lock."""

import json
from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import CursorResult, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from broker.audit.models import DetailRow, EntryRow, LogState
from broker.audit.subjects import subject_of
from broker.audit.vocabulary import OPERATOR_LOG, Appended, Entry
from broker.clock import Clock, microseconds
from broker.crypto.digests import canonical_json
from broker.crypto.sealing import Sealer
from broker.errors import StorageUnavailable

_LEAF_VERSION = 1


class Writer:
    """Numbers entries and stores them. `host` is the broker's host name; the logs' names begin with it."""

    def __init__(self, sealer: Sealer, clock: Clock, host: str) -> None:
        self._sealer = sealer
        self._clock = clock
        self._host = host

    def lock(self, session: Session, banks: Sequence[str | None]) -> None:
        """Lock the state rows in one order, whoever asks: sorted by owner."""
        for owner in sorted({bank or OPERATOR_LOG for bank in banks}):
            self._state(session, owner)

    def write(self, session: Session, entries: Sequence[Entry]) -> list[Appended]:
        """Add entries of one log, in this order, and return where they stand. The log must be locked.

        Raises:
            StorageUnavailable: the log has grown without its lock; nothing may be committed.
        """
        state = self._state(session, entries[0].bank_id or OPERATOR_LOG)
        size, time_us = state.size, state.last_time_us
        rows: list[dict[str, Any]] = []
        details: list[dict[str, Any]] = []
        for number, entry in enumerate(entries, start=size):
            # A clock that steps back must not reorder the log.
            time_us = max(microseconds(self._clock()), time_us)
            row, detail = self._rows(session, state.name, number, time_us, entry)
            rows.append(row)
            details += detail
        session.execute(insert(EntryRow), rows)
        if details:
            session.execute(insert(DetailRow), details)
        self._grow(session, state, size + len(entries), time_us)
        return [Appended(log=state.name, number=size + place) for place in range(len(entries))]

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

    def _grow(self, session: Session, state: LogState, size: int, time_us: int) -> None:
        """Move the end of the log by compare and swap: whatever failed above, two writers never share a number."""
        one = update(LogState).where(LogState.name == state.name, LogState.size == state.size)
        grown = one.values(size=size, last_time_us=time_us).execution_options(synchronize_session=False)
        if cast("CursorResult[None]", session.execute(grown)).rowcount != 1:
            raise StorageUnavailable

    def _state(self, session: Session, owner: str) -> LogState:
        one = select(LogState).where(LogState.owner == owner, LogState.is_current).with_for_update()
        query = one.execution_options(populate_existing=True)
        state = session.scalars(query).first()
        if state is None:
            self._open_log(session, owner)
            state = session.scalars(query).one()
        return state

    def _open_log(self, session: Session, owner: str) -> None:
        """Open an owner's first log; when two processes race, one row stands and both use it."""
        dialect = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
        name = f"{self._host}/audit/{owner}/{self._clock().year}"
        first = {"name": name, "owner": owner, "size": 0, "last_time_us": 0, "is_current": True}
        session.execute(dialect(LogState).values(**first).on_conflict_do_nothing())


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
