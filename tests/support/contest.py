"""Lets readers, refreshers and people race on one grant over several processes and records what each saw."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from tests.support.caller import Caller
from tests.support.customers import Person
from tests.support.fleet import Fleet
from tests.support.linearizability import NEVER, Operation
from tests.support.spread import processes_behind, spread_lines
from tests.support.wire import Answer, Line, LineBroken

CATEGORIES = ("balances", "accounts")
_READERS = 4
_SEATS = _READERS + 3  # one refreshes, two are the person's browsers
_CALLS = 14
_PROCESSES = 3
_TIMEOUT_S = 60

Act = tuple[str, str | None]
Plan = Callable[[Line], None]
_PAUSING: tuple[Act, ...] = (("pause", "balances"), ("resume", "balances"), ("pause", None), ("resume", None))
_OTHER_PAUSING: tuple[Act, ...] = (("pause", "accounts"), ("resume", "accounts"))
_ENDS: tuple[tuple[Act, ...], ...] = (
    (("revoke", "balances"), ("revoke", None)),
    (("revoke", None),),
    (("revoke", "accounts"), ("revoke", "balances")),
)


@dataclass(frozen=True, slots=True)
class Holder:
    """A machine that holds an access token of a grant."""

    grant: str
    caller: Caller
    token: str


@dataclass
class Contest:
    """Rounds of a race. Every round has a new grant, which is revoked towards its end; `operations` are by grant."""

    fleet: Fleet
    seed: int
    operations: dict[str, list[Operation]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._lines: list[Line] = []
        self._earlier: list[Holder] = []
        self._refresh_tokens: dict[str, str] = {}  # of the last round: its grant, and the token

    @property
    def count(self) -> int:
        return sum(map(len, self.operations.values()))

    def round(self) -> None:
        """Race once."""
        person = self.fleet.person()
        grant = self.fleet.grant(person, CATEGORIES)
        self.operations[grant] = []
        plans = self._plans(person, grant)
        # A line that waits for long is closed and comes back at any process; the race is one over several.
        if processes_behind(self.fleet, self._lines) < _PROCESSES:
            self._lines = spread_lines(self.fleet, _SEATS)
        start = threading.Barrier(_SEATS)

        def run(line: Line, plan: Plan) -> None:
            start.wait(_TIMEOUT_S)
            plan(line)

        with ThreadPoolExecutor(_SEATS) as pool:
            for running in [pool.submit(run, line, plan) for line, plan in zip(self._lines, plans, strict=True)]:
                running.result(_TIMEOUT_S)

    def _plans(self, person: Person, grant: str) -> list[Plan]:
        holders = [self._holder(grant) for _ in range(_READERS)]
        pausing = [self._random.choice(_PAUSING) for _ in range(_CALLS)]
        ending = [*_OTHER_PAUSING, *_PAUSING, *self._random.choice(_ENDS)]
        plans = [self._reading(holder) for holder in holders]
        plans += [self._refreshing(grant), self._acting(person, grant, pausing), self._acting(person, grant, ending)]
        self._earlier = holders[:1]
        return plans

    def _holder(self, grant: str) -> Holder:
        caller = self.fleet.caller()
        (token,) = self.fleet.tokens(grant, caller.dpop.thumbprint, CATEGORIES)
        return Holder(grant, caller, token)

    def _reading(self, holder: Holder) -> Plan:
        chosen = [self._random.choice(CATEGORIES) for _ in range(_CALLS)]

        def plan(line: Line) -> None:
            for category in chosen:
                self._reads(holder, category, line)

        return plan

    def _refreshing(self, grant: str) -> Plan:
        """Refresh, and use the last round's grant in between: it was revoked and must stay so."""
        caller, earlier, tokens = self.fleet.caller(), self._earlier, self._refresh_tokens
        (token,) = self.fleet.refresh_tokens(grant, CATEGORIES)
        self._refresh_tokens = {grant: token}

        def plan(line: Line) -> None:
            caller.line = line
            for number in range(_CALLS):
                self._saw(grant, "refresh", None, partial(caller.refresh, token), _of_refresh)
                if number % 4:
                    continue
                for holder in earlier:
                    self._reads(holder, CATEGORIES[0], line)
                for revoked, former in tokens.items():
                    self._saw(revoked, "refresh", None, partial(caller.refresh, former), _of_refresh)

        return plan

    def _acting(self, person: Person, grant: str, acts: Sequence[Act]) -> Plan:
        sharer = self.fleet.sharer(person)

        def plan(line: Line) -> None:
            sharer.line = line
            for act, category in acts:
                self._saw(grant, act, category, partial(sharer.acts, act, grant, category), _of_act)

        return plan

    def _reads(self, holder: Holder, category: str, line: Line) -> None:
        holder.caller.line = line
        self._saw(holder.grant, "read", category, partial(holder.caller.read, category, holder.token), _of_read)

    def _saw(
        self, grant: str, kind: str, part: str | None, call: Callable[[], Answer], outcome: Callable[[Answer], str]
    ) -> None:
        """Make one call and write down what came of it."""
        called_ns = time.monotonic_ns()
        try:
            answer = call()
        except LineBroken:
            if kind not in {"read", "refresh"}:  # those change nothing: without an answer they say nothing
                self.operations[grant].append(Operation(kind, part, called_ns, NEVER, None))
            return
        seen = Operation(kind, part, answer.called_ns, answer.returned_ns, outcome(answer))
        self.operations[grant].append(seen)


def _of_read(answer: Answer) -> str:
    return "released" if answer.status == 200 else answer.code


def _of_refresh(answer: Answer) -> str:
    return "given" if answer.status == 200 else answer.code


def _of_act(answer: Answer) -> str:
    """Say whether it was done, or could not be done any more; anything else is no outcome of the model."""
    return {303: "done", 409: "refused"}.get(answer.status, f"{answer.status} {answer.code}")
