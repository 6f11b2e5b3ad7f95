"""Row 37: a switch under load: the next call of every process is refused, and whatever it is not about is served.

The clients judge by their own clocks: a call that began after the switch had answered gets nothing of it. The log
judges by its order: no release of what is off stands between the entries of off and on.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from broker.audit.reader import LoggedEntry
from broker.audit.vocabulary import Event
from broker.switches.service import Hand
from broker.switches.views import Side, Target
from tests.support.caller import Caller
from tests.support.fleet import Fleet, running_fleet
from tests.support.planted import planted
from tests.support.sizes import Size
from tests.support.spread import processes_behind, spread_lines
from tests.support.wire import Answer

PROCESSES = 4
LAST_BYTE_NS = 1_000_000_000
_ENOUGH, _TIMEOUT_S = 3, 60.0
_OPERATOR = Hand(Side.OPERATOR, "operator")
_WHY = "A test of the switches."
_FRESH = "    return tuple(_switch(row) for row in sorted(rows, key=_key))\n"
_REMEMBERED = (
    "    import time\n"
    '    kept = globals().setdefault("_kept", [])\n'
    "    if not kept or kept[0] < time.monotonic():\n"
    "        kept[:] = [time.monotonic() + 2.0, tuple(_switch(row) for row in sorted(rows, key=_key))]\n"
    "    return kept[1]\n"
)


@dataclass(frozen=True, slots=True)
class Case:
    """What is turned off, how its calls are refused, and what has nothing to do with it: platform and category."""

    target: Target
    code: str
    stopped: tuple[tuple[str, str], ...]
    served: tuple[tuple[str, str], ...] = ()


PLATFORMS, CATEGORIES = ("messenger", "ledgerly"), ("balances", "accounts")
_ALL = tuple((platform, category) for platform in PLATFORMS for category in CATEGORIES)
SMALL = Case(Target(category="balances"), "category-off", _ALL[:1], _ALL[1:2])
CASES = {
    "a category": Case(Target(category="balances"), "category-off", _ALL[::2], _ALL[1::2]),
    "a platform": Case(Target(platform_id="messenger"), "grant-suspended", _ALL[:2], _ALL[2:]),
    "a category of a platform at a bank": Case(
        Target("harbor", "ledgerly", "accounts"), "category-off", _ALL[3:], _ALL[:3]
    ),
    "a bank": Case(Target("harbor"), "grant-suspended", _ALL),
    "everything": Case(Target(), "grant-suspended", _ALL),
}


@dataclass
class Reader:
    """One machine that reads one category again and again, on a line of its own."""

    caller: Caller
    category: str
    token: str
    answers: list[Answer] = field(default_factory=list)

    def reads(self, until: threading.Event) -> None:
        while not until.is_set():
            self.answers.append(self.caller.read(self.category, self.token))

    def since(self, instant_ns: int) -> list[Answer]:
        """Return the answers of calls that began after an instant."""
        return [answer for answer in self.answers if answer.called_ns > instant_ns]


@dataclass
class Load:
    """Readers of both platforms and categories, spread over every process."""

    fleet: Fleet
    readers: dict[tuple[str, str], list[Reader]]

    @property
    def everybody(self) -> list[Reader]:
        return self.of(list(self.readers))

    def of(self, parts: Sequence[tuple[str, str]]) -> list[Reader]:
        return [reader for part in parts for reader in self.readers[part]]

    def processes_of(self, part: tuple[str, str]) -> int:
        """Count the processes that these readers are at."""
        return processes_behind(self.fleet, [reader.caller.line for reader in self.readers[part]])

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let everybody read until the block ends."""
        until, everybody = threading.Event(), self.everybody
        with ThreadPoolExecutor(len(everybody)) as pool:
            running = [pool.submit(reader.reads, until) for reader in everybody]
            try:
                yield
            finally:
                until.set()
                for one in running:
                    one.result(_TIMEOUT_S)

    def waits_for_more(self, since_ns: int) -> None:
        """Wait until everybody has had a few answers to calls that began after an instant."""
        deadline = time.monotonic() + _TIMEOUT_S
        while min(len(reader.since(since_ns)) for reader in self.everybody) < _ENOUGH:
            assert time.monotonic() < deadline, "nobody answers"
            time.sleep(0.01)


def load_on(fleet: Fleet, case: Case) -> Load:
    """Make readers: for each platform and category as many as there are processes, one on each."""
    person, readers = fleet.person(), dict[tuple[str, str], list[Reader]]()
    grants = {name: fleet.grant(person, CATEGORIES, platform_id=name) for name in PLATFORMS}
    for platform, category in (*case.stopped, *case.served):
        for caller in (fleet.caller(platform) for _ in range(PROCESSES)):
            (token,) = fleet.tokens(grants[platform], caller.dpop.thumbprint, CATEGORIES)
            readers.setdefault((platform, category), []).append(Reader(caller, category, token))
    for group in readers.values():
        for reader, line in zip(group, spread_lines(fleet, PROCESSES), strict=True):
            reader.caller.line.close()
            reader.caller.line = line
    return Load(fleet, readers)


def wrong_in(fleet: Fleet, case: Case) -> tuple[list[str], int]:
    """Turn off and on under load; return what was wrong, and how long after it the last byte came at most (ns)."""
    load, switches = load_on(fleet, case), fleet.services.switches
    before = len(fleet.log())
    with load.running():
        load.waits_for_more(time.monotonic_ns())
        assert {load.processes_of(part) for part in load.readers} == {PROCESSES}
        switches.turn_off(_OPERATOR, case.target, _WHY)
        off_ns = time.monotonic_ns()
        load.waits_for_more(off_ns)
        still_off_ns = time.monotonic_ns()
        switches.turn_on(_OPERATOR, case.target, _WHY)
        on_ns = time.monotonic_ns()
        load.waits_for_more(on_ns)
    wrong = [
        f"{reader.category} of {reader.caller.platform_id} got {answer.status} {answer.code}"
        for reader in load.of(case.stopped)
        for answer in reader.since(off_ns)
        if answer.returned_ns < still_off_ns and (answer.status, answer.code) != (403, case.code)
    ]
    wrong += [
        f"{reader.category} of {reader.caller.platform_id} got {answer.status} {answer.code} all the same"
        for reader, since_ns in [*((one, 0) for one in load.of(case.served)), *((one, on_ns) for one in load.everybody)]
        for answer in reader.since(since_ns)
        if answer.status != 200
    ]
    wrong += [f"entry {entry.number} releases" for entry in released_too_late(fleet.log()[before:], case)]
    late = [
        a.returned_ns - off_ns
        for one in load.of(case.stopped)
        for a in one.answers
        if a.called_ns < off_ns and a.status == 200
    ]
    return wrong, max(late, default=0)


def released_too_late(entries: Sequence[LoggedEntry], case: Case) -> Iterator[LoggedEntry]:
    """Yield the releases of what is off that stand between the entries of off and on."""
    is_off = False
    for entry in entries:
        if entry.event in {Event.SWITCH_OFF, Event.SWITCH_ON}:
            is_off = entry.event is Event.SWITCH_OFF
        elif is_off and entry.event is Event.ACCESS_RELEASED and (entry.platform_id, entry.category) in case.stopped:
            yield entry


def _each(size: Size) -> int:
    return size.of(test=1, campaign=2, soak=200)


def test_a_category_that_is_turned_off_under_load_is_refused_by_every_process_and_the_rest_is_served(
    fleet: Fleet,
) -> None:
    assert wrong_in(fleet, SMALL)[0] == []


@pytest.mark.campaign
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_whatever_is_turned_off_under_load_is_refused_by_every_process(fleet: Fleet, size: Size, case: Case) -> None:
    for _ in range(_each(size)):
        assert wrong_in(fleet, case)[0] == []


@pytest.mark.campaign
@pytest.mark.measured
def test_the_last_byte_comes_within_a_second_of_the_switch(fleet: Fleet, size: Size) -> None:
    assert max(wrong_in(fleet, CASES["everything"])[1] for _ in range(_each(size))) <= LAST_BYTE_NS


@pytest.mark.control
@pytest.mark.campaign
def test_a_memory_of_what_is_off_is_found(tmp_path: Path) -> None:
    code = planted(tmp_path / "code", "broker/switches/reader.py", _FRESH, _REMEMBERED)
    data = tmp_path / "data"
    data.mkdir()
    with running_fleet(data, code=code) as broken:
        wrong, _ = wrong_in(broken, SMALL)
    assert [one for one in wrong if "got 200" in one]
    assert [one for one in wrong if "releases" in one]
