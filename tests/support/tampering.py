"""The owner of the database and of the log's key at work: alters a stored log, and can make all of it fit again.

Nothing in the database stops him: he drops the triggers. What he lacks are the receipts and checkpoints in other hands.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, text, update

from broker.audit.models import CosignatureRow, EntryRow, LogState, NodeRow
from broker.audit.writer import TILE_HEIGHT
from broker.storage.base import table_of
from broker.tlog.checkpoint import Checkpoint, sign_checkpoint
from broker.tlog.compact_range import EMPTY, grow
from broker.tlog.merkle import leaf_hash
from tests.support.core import LOG_KEYS
from tests.support.forged_log import Fields, canonical, text_of

_LOGS, _ENTRIES, _NODES, _COSIGNATURES = (table_of(row) for row in (LogState, EntryRow, NodeRow, CosignatureRow))
Change = Callable[[list[Fields]], Any]


class Forger:
    """Has one log in his hands, on either database. Use it inside a transaction."""

    def __init__(self, connection: Connection, log: str) -> None:
        self._connection, self._log = connection, log
        self._drop_guards()

    def alters_row(self, number: int, **values: Any) -> None:
        """Change the row of one entry and nothing else."""
        self._connection.execute(update(_ENTRIES).where(self._at(number)).values(**values))

    def deletes_row(self, number: int) -> None:
        self._connection.execute(delete(_ENTRIES).where(self._at(number)))

    def leaf(self, number: int) -> bytes:
        return bytes(self._connection.execute(select(_ENTRIES.c.leaf).where(self._at(number))).scalar_one())

    def moves_rows(self, first: int, last: int, by: int) -> None:
        """Renumber the rows from `first` to `last`."""
        for number in range(last, first - 1, -1) if by > 0 else range(first, last + 1):
            self._connection.execute(update(_ENTRIES).where(self._at(number)).values(number=number + by))

    def copies_row(self, number: int, to: int) -> None:
        row = self._connection.execute(select(_ENTRIES).where(self._at(number))).one()
        self._connection.execute(insert(_ENTRIES), {**row._mapping, "number": to})

    def rewrites(self, change: Change, *, keeps: int = 0, numbers: bool = True, chains: bool = True) -> None:
        """Change the history, then number, chain, hash and sign all of it again with the real key.

        Cosignatures of more than `keeps` entries no longer fit, and are deleted.
        """
        history = [json.loads(leaf) for leaf in self._leaves()]
        change(history)
        if numbers:
            for number, fields in enumerate(history):
                fields["number"] = number
        self._store([canonical(fields) for fields in history] if not chains else _chained(history), keeps)

    def _store(self, leaves: Sequence[bytes], keeps: int) -> None:
        run = self._connection.execute
        run(delete(_ENTRIES).where(_ENTRIES.c.log == self._log))
        run(delete(_NODES).where(_NODES.c.log == self._log))
        run(delete(_COSIGNATURES).where(_COSIGNATURES.c.log == self._log, _COSIGNATURES.c.size > keeps))
        growth = grow(EMPTY, [leaf_hash(leaf) for leaf in leaves])
        run(insert(_ENTRIES), [self._row(number, leaf) for number, leaf in enumerate(leaves)])
        nodes = [
            {"log": self._log, "level": node.level, "number": node.index, "hash": value}
            for node, value in growth.nodes
            if node.level % TILE_HEIGHT == 0
        ]
        if nodes:
            run(insert(_NODES), nodes)
        tip = Checkpoint(self._log, growth.after.size, growth.after.root)
        state = {
            "size": tip.size,
            "frontier": growth.after.dump(),
            "checkpoint": sign_checkpoint(tip, LOG_KEYS.signers(self._log)),
        }
        run(update(_LOGS).where(_LOGS.c.name == self._log).values(**state))

    def _row(self, number: int, leaf: bytes) -> dict[str, Any]:
        fields = json.loads(leaf)
        return {
            "log": self._log,
            "number": number,
            "time_us": fields["time"],
            "event": fields["event"],
            "subject": fields.get("subject"),
            "grant_id": fields.get("grant"),
            "interaction_id": fields.get("interactionId"),
            "leaf": leaf,
            "leaf_hash": leaf_hash(leaf),
        }

    def _leaves(self) -> list[bytes]:
        query = select(_ENTRIES.c.leaf).where(_ENTRIES.c.log == self._log).order_by(_ENTRIES.c.number)
        return [bytes(leaf) for leaf in self._connection.scalars(query)]

    def _at(self, number: int) -> Any:
        return (_ENTRIES.c.log == self._log) & (_ENTRIES.c.number == number)

    def _drop_guards(self) -> None:
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(text("SET LOCAL session_replication_role = replica"))
            return
        for name in self._connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            self._connection.execute(text(f"DROP TRIGGER {name}"))


def _chained(history: Sequence[Fields]) -> list[bytes]:
    """Give each entry its place among those of its person anew."""
    chains: dict[str, tuple[int, bytes]] = {}
    leaves = []
    for fields in history:
        fields.pop("subjectPrev", None)
        if subject := fields.get("subject"):
            fields["subjectSeq"], before = chains.get(subject, (0, b""))
            if before:
                fields["subjectPrev"] = text_of(before)
        leaf = canonical(fields)
        if subject:
            chains[subject] = (fields["subjectSeq"] + 1, leaf_hash(leaf))
        leaves.append(leaf)
    return leaves
