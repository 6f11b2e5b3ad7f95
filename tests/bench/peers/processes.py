"""What processes cost: processor time and memory of a process with all that it has started."""

import os
from pathlib import Path

from tests.support.served import children_of

_TICK = os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """Return a process and everything below it."""
    return [pid, *(one for child in children_of(pid) for one in family(child))]


def cpu_s(pid: int) -> float:
    """Return the processor time of a process and everything below it so far, in seconds."""
    return sum(_ticks(one) for one in family(pid)) / _TICK


def largest_bytes(pid: int) -> int:
    """Return the proportional set size of the largest process of a family: shared pages are shared out."""
    sizes = [0]
    for one in family(pid):
        try:
            rolled = Path(f"/proc/{one}/smaps_rollup").read_text(encoding="ascii")
        except OSError:  # it has ended, or is somebody else's
            continue
        sizes.append(int(rolled.partition("Pss:")[2].split()[0]) * 1024)
    return max(sizes)


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])
