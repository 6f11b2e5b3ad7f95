"""The order of system calls of a traced fleet, as strace wrote them: one file a thread, with start and duration."""

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

_TRACED = "fsync,fdatasync,sendto,sendmsg,write,writev,sendfile,recvfrom,recvmsg"
_TEXT_BYTES = "10000"  # the heads of requests and answers, with receipts and interaction ids
_LINE = re.compile(
    r"(?P<start>\d+\.\d+) (?P<name>\w+)\((?P<fd>\d+)<(?P<file>TCP:\[[^\]]*\]|[^>]*)>(?P<rest>.*)\) = (?P<result>-?\d+)"
    r"(?: [^<]*)? <(?P<took>[\d.]+)>"
)
SENDS = frozenset({"sendto", "sendmsg", "write", "writev", "sendfile"})
SYNCS = frozenset({"fsync", "fdatasync"})


@dataclass(frozen=True, slots=True)
class SystemCall:
    """One call of one thread: `file` is a path or `TCP:[local->remote]`, instants are seconds since 1970."""

    thread: int
    name: str
    file: str
    text: str
    result: int
    started: float
    ended: float


def strace(folder: Path) -> list[str]:
    """Return the command that runs another one traced; it writes its files into `folder`.

    A machine without strace skips the test, saying so; CI=true makes that a failure.
    """
    program = shutil.which("strace")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("strace is needed here")
        pytest.skip("strace is not installed: nobody can watch the order of system calls")
    folder.mkdir(parents=True, exist_ok=True)
    options = ["-ff", "--seccomp-bpf", "-ttt", "-T", "-yy", "-s", _TEXT_BYTES, "-e", f"trace={_TRACED}"]
    return [program, *options, "-o", str(folder / "trace")]


def threads_of(pids: Iterable[int]) -> dict[int, int]:
    """Return which process each living thread of these processes belongs to."""
    return {int(thread.name): pid for pid in pids for thread in Path(f"/proc/{pid}/task").iterdir()}


def system_calls(folder: Path, threads: Iterable[int]) -> list[SystemCall]:
    """Read what these threads have called, in the order of the calls' starts."""
    return sorted((call for thread in threads for call in _of_thread(folder, thread)), key=lambda call: call.started)


def _of_thread(folder: Path, thread: int) -> Iterator[SystemCall]:
    for line in (folder / f"trace.{thread}").read_text(encoding="utf-8", errors="replace").splitlines():
        if found := _LINE.match(line):
            started = float(found["start"])
            ended = started + float(found["took"])
            yield SystemCall(thread, found["name"], found["file"], found["rest"], int(found["result"]), started, ended)
