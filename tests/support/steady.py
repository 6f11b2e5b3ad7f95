"""A steady load at an open rate: calls are due at their instants, however long the answers take; and what it costs."""

import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.acknowledged import Acknowledged
from tests.support.caller import Caller
from tests.support.fleet import Fleet
from tests.support.wire import LineBroken

MOST_FAILED = 0.002 / 100
MOST_GROWTH_AN_HOUR = 4 << 20
"""Bytes. What half an hour can tell: a leak of a hundred bytes a call would be fifty megabytes an hour."""
_SAMPLE_S = 10.0
_CATEGORY = "balances"


@dataclass(frozen=True, slots=True)
class Footprint:
    """What one process of the server holds at an instant (seconds since the load began)."""

    at_s: float
    pid: int
    resident_bytes: int
    descriptors: int
    threads: int


@dataclass
class Steady:
    """What came of it: latencies in seconds, since a call was due; the interaction ids of whole answers with data."""

    seconds: float = 0.0
    received: list[str] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    footprints: list[Footprint] = field(default_factory=list)

    @property
    def calls(self) -> int:
        """Return how many calls were made."""
        return len(self.received) + self.failures.total()

    @property
    def per_second(self) -> float:
        """Return how many answers with data came in a second."""
        return len(self.received) / self.seconds

    def percentile(self, share: float) -> float:
        """Return a percentile of the latencies, in seconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def growth_bytes_an_hour(self) -> dict[int, float]:
        """Return by how much each process grows, by a straight line through what it held in the second half."""
        found = {}
        for pid in {one.pid for one in self.footprints}:
            later = [one for one in self.footprints if one.pid == pid and one.at_s >= self.seconds / 2]
            if len(later) > 1:
                found[pid] = _slope([(one.at_s, float(one.resident_bytes)) for one in later]) * 3_600
        return found


def steady_load(fleet: Fleet, per_second: float, seconds: float, people: int) -> Steady:
    """Let each of so many people be read by a machine of its own, all together so often a second, for so long."""
    result, mutex = Steady(), threading.Lock()
    machines = [_machine(fleet) for _ in range(people)]
    over = threading.Event()
    begun = time.monotonic() + 0.2

    def read_on(number: int) -> None:
        caller, token = machines[number]
        received, latencies, failures = [], [], Counter[str]()
        for turn in range(int(per_second * seconds / people)):
            due = begun + (turn * people + number) / per_second
            time.sleep(max(0.0, due - time.monotonic()))
            name = str(uuid.uuid4())
            try:
                answer = caller.read(_CATEGORY, token, name)
            except LineBroken:
                failures["no answer"] += 1
                continue
            if answer.status == 200:
                received.append(name)
                latencies.append(time.monotonic() - due)
            else:
                failures[f"{answer.status} {answer.code}"] += 1
        with mutex:
            result.received += received
            result.latencies += latencies
            result.failures += failures

    def look() -> None:
        while not over.wait(_SAMPLE_S):
            result.footprints += footprints(fleet, time.monotonic() - begun)

    with ThreadPoolExecutor(people + 1) as pool:
        looking = pool.submit(look)
        reading = [pool.submit(read_on, number) for number in range(people)]
        try:
            for one in reading:
                one.result()
        finally:
            result.seconds = time.monotonic() - begun
            over.set()
        looking.result()
    result.footprints += footprints(fleet, result.seconds)
    return result


def wrong_in(fleet: Fleet, found: Steady) -> list[str]:
    """Return what is not as promised: too many calls that failed, an answer that the log does not tell of."""
    failed = found.failures.total() / found.calls
    wrong = [f"{failed:.4%} failed: {dict(found.failures)}"] if failed > MOST_FAILED else []
    return wrong + Acknowledged(released=found.received).lost_from(fleet.log())[:3]


def footprints(fleet: Fleet, at_s: float) -> list[Footprint]:
    """Look at every process that serves."""
    found = []
    for pid in fleet.server.workers():
        process = Path(f"/proc/{pid}")
        lines = (line.split() for line in (process / "status").read_text().splitlines())
        status = {line[0]: line[1] for line in lines if len(line) > 1}
        descriptors = len(list((process / "fd").iterdir()))
        found.append(Footprint(at_s, pid, int(status["VmRSS:"]) * 1_024, descriptors, int(status["Threads:"])))
    return found


def _machine(fleet: Fleet) -> tuple[Caller, str]:
    caller = fleet.caller()
    grant = fleet.grant(fleet.person(), (_CATEGORY,))
    (token,) = fleet.tokens(grant, caller.dpop.thumbprint, (_CATEGORY,))
    return caller, token


def _slope(points: list[tuple[float, float]]) -> float:
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sum(y for _, y in points) / len(points)
    across = sum((x - middle_x) ** 2 for x, _ in points)
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / across if across else 0.0
