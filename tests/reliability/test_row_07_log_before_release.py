"""Row 7: on SQLite every byte of data leaves after the sync of its entry; strace sees the order on the real server.

Killing a process cannot show a lost sync, because the kernel keeps what was written; the order of system calls can.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.fleet import ROOT, running_fleet
from tests.support.planted import planted
from tests.support.readers import Readers, reading
from tests.support.sending import Sending
from tests.support.sizes import Size
from tests.support.systemcalls import strace, system_calls, threads_of

MACHINES = 3
_ENGINE, _FILE = "broker/storage/engine.py", "broker/storage/sqlite_file.py"


def traced_reads(folder: Path, code: Path, reads: int) -> tuple[Sending, Readers]:
    """Let machines read from a traced broker; return what the trace shows and what they received."""
    data, traces = folder / "data", folder / "traces"
    data.mkdir(parents=True)
    with running_fleet(data, code=code, workers=2, prefix=strace(traces)) as fleet:
        with reading(fleet, MACHINES, most=-(-reads // MACHINES)) as readers:
            pass
        processes = threads_of(fleet.server.workers())
        ports = {"port": fleet.port, "bank_port": fleet.banks["harbor"].port}
    return Sending(system_calls(traces, processes), processes, **ports), readers


def sent_too_early(sending: Sending, received: Sequence[str]) -> list[str]:
    """Return the answers whose first byte left before the log was synced; the trace must show every answer."""
    assert [name for name in received if not sending.answer(name)] == []
    return [name for name in received if not sending.is_durable_first(name)]


def test_every_send_of_data_follows_the_sync_of_its_entry(tmp_path: Path, size: Size) -> None:
    wanted = size.of(test=36, campaign=10_000)
    sending, readers = traced_reads(tmp_path, ROOT, wanted)

    assert len(readers.received) >= wanted
    assert sent_too_early(sending, readers.received) == []


@pytest.mark.control
def test_the_trace_shows_a_database_that_does_not_sync(tmp_path: Path) -> None:
    code = planted(tmp_path / "code", _FILE, '"synchronous=FULL",', '"synchronous=NORMAL",')
    planted(code, _ENGINE, "_SYNCHRONOUS_FULL = 2\n", "_SYNCHRONOUS_FULL = 1\n")
    sending, readers = traced_reads(tmp_path, code, 12)

    assert len(readers.received) >= 12
    assert len(sent_too_early(sending, readers.received)) > len(readers.received) // 2
