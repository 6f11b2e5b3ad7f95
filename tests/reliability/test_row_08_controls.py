"""The negative controls of row 8's one history: a sequencer that forks, and one that promises before it is durable."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.reliability.test_row_08_killed_processes import handed_out
from tests.support.fleet import running_fleet
from tests.support.one_history import contradictions, log_of
from tests.support.planted import planted
from tests.support.readers import reading

_ROUNDS, _CALLS = 8, 10
_MACHINES, _THREADS = 8, 2  # more machines than one process has threads: several processes write
_WRITER, _SEQUENCER = "broker/audit/writer.py", "broker/audit/sequencer.py"
_LOCKED = "            return Log(found.name, CompactRange.load(found.size, found.frontier), found.last_time_us)\n"
_OWN = (
    "            own = Log(found.name, CompactRange.load(found.size, found.frontier), found.last_time_us)\n"
    "            return self.__dict__.setdefault('_own', {}).setdefault(found.name, own)\n"
)
_INSERTED = "Prepared(insert(_ENTRIES)), Prepared(insert(_NODES)), Prepared(insert(_DETAILS))"
_REPLACED = "(Prepared(insert(one).prefix_with('OR REPLACE')) for one in (_ENTRIES, _NODES, _DETAILS))"
_WITHOUT_LOCK_AND_SWAP = (
    (_WRITER, _LOCKED, _OWN),
    (
        _WRITER,
        "if _GROWN.change(session, **grown) != 1:",
        "if _GROWN.change(session, **grown) > 1:",
    ),
    (_WRITER, _INSERTED, _REPLACED),
)
"""Each process goes on from what it wrote last, whatever the others have written meanwhile."""
_WRITTEN = "            written = self._writer.write(session, log, drafts)\n"
_BEFORE_COMMIT = (
    (
        _SEQUENCER,
        _WRITTEN,
        (
            f"{_WRITTEN}            import random\n"
            "            if random.random() < 0.2:\n"
            "                session.rollback()\n"
        ),
    ),
)
"""Receipts are handed out whether the transaction stands or not."""


def drop_guards(session: Session) -> None:
    for name in session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
        session.execute(text(f"DROP TRIGGER {name}"))


def found_after(folder: Path, faults: Sequence[tuple[str, str, str]], *, guarded: bool) -> list[str]:
    """Read through a broker with these faults until something contradicts its log, and return it."""
    code, data = folder / "code", folder / "data"
    data.mkdir()
    for fault in faults:
        planted(code, *fault)
    with running_fleet(data, code=code, threads=_THREADS) as broken:
        if not guarded:
            broken.writes(drop_guards)
        broken.grant(broken.person(), ("balances",))
        log = log_of(broken)
        receipts: list[bytes] = []
        for _ in range(_ROUNDS):  # which process takes a connection is the machine's choice
            with reading(broken, _MACHINES, most=_CALLS) as readers:
                pass
            receipts += handed_out(broken, readers)
            if found := contradictions(broken, log, receipts):
                return found
        return []


@pytest.mark.control
@pytest.mark.campaign
def test_processes_that_write_without_lock_and_swap_fork_the_log_and_are_found(tmp_path: Path) -> None:
    found = found_after(tmp_path, _WITHOUT_LOCK_AND_SWAP, guarded=False)
    assert [one for one in found if one.startswith(("a fork", "the head"))] != []


@pytest.mark.control
@pytest.mark.campaign
def test_receipts_of_transactions_that_were_undone_are_found(tmp_path: Path) -> None:
    found = found_after(tmp_path, _BEFORE_COMMIT, guarded=True)
    assert [one for one in found if one.startswith(("a fork", "the head"))] != []
