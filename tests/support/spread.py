"""Lines to every worker process of a fleet: left to itself, the kernel often gives them all to one."""

import time
from collections import Counter
from collections.abc import Sequence

from tests.support.fleet import Fleet
from tests.support.served import worker_of
from tests.support.wire import Line, message

_DEADLINE_S = 20.0
_ALIVE = message("GET", "/healthz", {})


def spread_lines(fleet: Fleet, count: int) -> list[Line]:
    """Open so many lines that every worker process holds its share of them."""
    workers = fleet.server.workers()
    most = -(-count // len(workers))
    kept: list[Line] = []
    deadline = time.monotonic() + _DEADLINE_S
    while time.monotonic() < deadline:
        # Those that are kept are used meanwhile, or the server would close them.
        candidates, kept, held = [*kept, *(Line(fleet.port) for _ in range(count))], [], Counter[int]()
        for line in candidates:
            line.call(_ALIVE)
            worker = worker_of(line, workers, fleet.port)
            if worker is None or held[worker] == most or len(kept) == count:
                line.close()
                continue
            held[worker] += 1
            kept.append(line)
        if len(kept) == count:
            return kept
    raise AssertionError("the lines do not spread")


def processes_behind(fleet: Fleet, lines: Sequence[Line]) -> int:
    """Count the worker processes that hold these lines."""
    workers = fleet.server.workers()
    return len({worker_of(line, workers, fleet.port) for line in lines if line.is_open} - {None})
