"""Writes entries at the end of their log, under the log's lock: numbered, chained, in the tree, signed."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import LargeBinary, bindparam, cast, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from broker.audit.leaf import Draft, draft, leaf_of
from broker.audit.log_keys import LogKeys
from broker.audit.models import DetailRow, EntryRow, LogState, NodeRow
from broker.audit.subjects import Person, Subjects
from broker.audit.vocabulary import OPERATOR_LOG, Appended, Entry, Event, Initiator
from broker.clock import Clock, microseconds
from broker.crypto.sealing import Sealer
from broker.errors import StorageUnavailable
from broker.storage.base import table_of
from broker.storage.prepared import Prepared, Transaction
from broker.storage.single_use import Loss
from broker.tlog.checkpoint import Checkpoint, sign_checkpoint
from broker.tlog.compact_range import CompactRange, Growth, grow
from broker.tlog.disclosure import Disclosure
from broker.tlog.errors import Unverifiable
from broker.tlog.merkle import leaf_hash
from broker.tlog.receipt import make_receipt

_log = structlog.get_logger(__name__)
TILE_HEIGHT = 8
"""A stored node stands for 2**8, 2**16, … entries: a tile's worth, a tile of tiles' worth, …"""
# Built once: composing a statement costs more than running it.
_LOGS, _ENTRIES, _NODES, _DETAILS = (table_of(row) for row in (LogState, EntryRow, NodeRow, DetailRow))
# SQLite keeps a text where somebody puts one; as bytes it is refused like every other damage.
_FRONTIER = cast(_LOGS.c.frontier, LargeBinary).label("frontier")
_LOCKED = Prepared(
    select(_LOGS.c.name, _LOGS.c.size, _LOGS.c.last_time_us, _FRONTIER)
    .where(_LOGS.c.owner == bindparam("of_owner"), _LOGS.c.is_current)
    .with_for_update()
)
_GROWN = Prepared(
    update(_LOGS)
    .where(_LOGS.c.name == bindparam("of_name"), _LOGS.c.size == bindparam("old_size"))
    .values(
        size=bindparam("new_size"),
        last_time_us=bindparam("new_time"),
        frontier=bindparam("new_frontier"),
        checkpoint=bindparam("new_checkpoint"),
    )
)
_ENTERED, _NODES_KEPT, _DETAILS_KEPT = Prepared(insert(_ENTRIES)), Prepared(insert(_NODES)), Prepared(insert(_DETAILS))
_CLOSED = update(_LOGS).where(_LOGS.c.name == bindparam("of_name")).values(is_current=False)
_OPENED = Prepared(
    {
        "sqlite": sqlite.insert(_LOGS).on_conflict_do_nothing(),
        "postgresql": postgresql.insert(_LOGS).on_conflict_do_nothing(),
    }
)


@dataclass(slots=True)
class Log:
    """The end of one log, whose lock is held. `frontier` is the compact range over all its entries."""

    name: str
    frontier: CompactRange
    last_time_us: int


@dataclass(frozen=True, slots=True)
class _Written:
    """One entry as it will stand: its row, its details, what opens the digests in it."""

    row: dict[str, Any]
    sealed: bytes | None
    disclosures: tuple[Disclosure, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """An entry that stands in a log. Its receipt is made by who wants it, without the log's lock."""

    written: _Written
    growth: Growth
    checkpoint: bytes

    def appended(self, lost: Loss | None = None) -> Appended:
        """Return the place with its receipt; `lost` is what a claim that did not hold is told as."""
        log, number = self.written.row["log"], self.written.row["number"]
        proof = self.growth.inclusion_proof(number)
        receipt = make_receipt(self.written.row["leaf"], number, proof, self.checkpoint)
        return Appended(log, number, receipt, self.written.disclosures, lost)


class Writer:
    """Numbers entries, hashes them into the tree, signs and stores them. `host` begins the logs' names."""

    def __init__(self, sealer: Sealer, keys: LogKeys, clock: Clock, host: str) -> None:
        self._sealer = sealer
        self._keys = keys
        self._clock = clock
        self._host = host

    def lock(self, session: Transaction, banks: Sequence[str | None]) -> dict[str | None, Log]:
        """Lock the state rows in one order, whoever asks: sorted by owner. Return the end of each bank's log."""
        return {bank: self._locked(session, bank) for bank in sorted(set(banks), key=_owner)}

    def current(self, session: Session, bank: str | None) -> str:
        """Return the name of a bank's current log, or that of the one which its first entry would open."""
        name = session.scalar(select(_LOGS.c.name).where(_LOGS.c.owner == _owner(bank), _LOGS.c.is_current))
        return name or f"{self._host}/audit/{_owner(bank)}/{self._clock().year}"

    def write(self, session: Transaction, log: Log, drafts: Sequence[Draft]) -> list[Placed]:
        """Add entries to one locked log, in this order, and return where they stand.

        Their receipts hold once the transaction is durable, and not before.

        Raises:
            StorageUnavailable: the log has grown without its lock; nothing may be committed.
        """
        subjects = self._subjects(session, log, [drafted.entry for drafted in drafts])
        time_us = log.last_time_us
        written: list[_Written] = []
        for number, drafted in enumerate(drafts, start=log.frontier.size):
            # A clock that steps back must not reorder the log.
            time_us = max(microseconds(self._clock()), time_us)
            written.append(self._written(subjects, log.name, number, time_us, drafted))
        growth = grow(log.frontier, [one.row["leaf_hash"] for one in written])
        tip = Checkpoint(log.name, growth.after.size, growth.after.root)
        checkpoint = sign_checkpoint(tip, self._keys.signers(log.name))
        _store(session, log, written, growth, time_us=time_us, checkpoint=checkpoint)
        subjects.store()
        log.frontier, log.last_time_us = growth.after, time_us
        return [Placed(one, growth, checkpoint) for one in written]

    def succeed(self, session: Session, log: Log, bank: str | None, name: str) -> Log:
        """Close a locked log with its last entry and open the next, whose first entry commits to it (05, Retention)."""
        self.write(session, log, [draft(_about_log(Event.LOG_CLOSED, bank, {"next": name}))])
        return self._opened(session, log, name, _about_log(Event.LOG_OPENED, bank, {"previous": _tip(log)}))

    def recover(self, session: Session, log: Log, bank: str | None, name: str, witnessed: Mapping[str, Any]) -> Log:
        """Leave a locked log as it is, unsigned, and open another, whose first entry commits to what was witnessed."""
        stated = {"witnessed": witnessed, "abandoned": _tip(log)}
        return self._opened(session, log, name, _about_log(Event.LOG_RECOVERED, bank, stated))

    def _opened(self, session: Session, log: Log, name: str, first: Entry) -> Log:
        connection = session.connection()
        connection.execute(_CLOSED, {"of_name": log.name})
        connection.execute(insert(_LOGS), _fresh(name, _owner(first.bank_id)))
        opened = Log(name, CompactRange.load(0, b""), log.last_time_us)
        self.write(session, opened, [draft(first)])
        return opened

    def _written(self, subjects: Subjects, log: str, number: int, time_us: int, drafted: Draft) -> _Written:
        entry, disclosures = drafted.entry, drafted.disclosures
        person = _person(entry)
        subject = subjects.of(person) if person else None
        link = subject.next_link() if subject else None
        leaf = leaf_of(log, number, time_us, drafted, link)
        row = {
            "log": log,
            "number": number,
            "time_us": time_us,
            "event": entry.event.value,
            "subject": link.pseudonym if link else None,
            "grant_id": entry.grant_id,
            "interaction_id": entry.interaction_id,
            "leaf": leaf,
            "leaf_hash": (hashed := leaf_hash(leaf)),
        }
        if subject is not None:
            subject.chain_size, subject.chain_hash = subject.chain_size + 1, hashed
        if not disclosures:
            return _Written(row, None, ())
        sealer = subject.sealer if subject else self._sealer
        plain = json.dumps(disclosures, ensure_ascii=False).encode()
        return _Written(row, sealer.seal(plain, f"audit_details/{log}/{number}"), disclosures)

    def _subjects(self, session: Transaction, log: Log, entries: Sequence[Entry]) -> Subjects:
        """Look up whom these entries of one bank are about; those of the operator's log are about nobody."""
        subjects = Subjects(session, self._sealer, log.name)
        for bank_id in {entry.bank_id for entry in entries if entry.bank_id}:
            people = {person for entry in entries if (person := _person(entry))}
            subjects.load(people, bank_id, self._clock())
        return subjects

    def _locked(self, session: Transaction, bank: str | None) -> Log:
        owner = _owner(bank)
        found = _LOCKED.first(session, of_owner=owner)
        if found is None:
            # An owner's first log; when two processes race, one row stands and both use it. And of two rows that wait
            # for a lock, PostgreSQL loses the one whose log was closed meanwhile: then the next log is there.
            name = f"{self._host}/audit/{owner}/{self._clock().year}"
            _OPENED.change(session, **_fresh(name, owner))
            found = _LOCKED.first(session, of_owner=owner)
        try:
            return Log(found.name, CompactRange.load(found.size, found.frontier), found.last_time_us)
        except Unverifiable as error:
            # Somebody wrote into the state row. Nothing may be signed on top of it.
            _log.error("audit.state_damaged", log=found.name)
            raise StorageUnavailable from error


def _store(
    session: Transaction, log: Log, written: Sequence[_Written], growth: Growth, *, time_us: int, checkpoint: bytes
) -> None:
    _ENTERED.change_each(session, [one.row for one in written])
    nodes = [
        {"log": log.name, "level": node.level, "number": node.index, "hash": value}
        for node, value in growth.nodes
        if node.level % TILE_HEIGHT == 0
    ]
    _NODES_KEPT.change_each(session, nodes)
    details = [
        {"log": log.name, "number": one.row["number"], "sealed": one.sealed}
        for one in written
        if one.sealed is not None
    ]
    _DETAILS_KEPT.change_each(session, details)
    # By compare and swap: whatever failed above, two writers never share a number.
    grown = {
        "of_name": log.name,
        "old_size": log.frontier.size,
        "new_size": growth.after.size,
        "new_time": time_us,
        "new_frontier": growth.after.dump(),
        "new_checkpoint": checkpoint,
    }
    if _GROWN.change(session, **grown) != 1:
        raise StorageUnavailable


def _tip(log: Log) -> dict[str, Any]:
    return {"origin": log.name, "size": log.frontier.size, "root": b64encode(log.frontier.root).decode()}


def _person(entry: Entry) -> Person | None:
    """Say whom the entry is about; what belongs to no bank is about nobody."""
    return Person(entry.user_id, entry.platform_id or "") if entry.user_id and entry.bank_id else None


def _owner(bank: str | None) -> str:
    return bank or OPERATOR_LOG


def _fresh(name: str, owner: str) -> dict[str, Any]:
    return {
        "name": name,
        "owner": owner,
        "size": 0,
        "last_time_us": 0,
        "is_current": True,
        "is_dropped": False,
        "frontier": b"",
        "checkpoint": b"",
    }


def _about_log(event: Event, bank: str | None, stated: dict[str, Any]) -> Entry:
    return Entry(event, Initiator.DATA_ACCESS_PLATFORM, bank_id=bank, stated=stated)
