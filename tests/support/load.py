"""People and a platform that go on through a fail-over, and remember every answer with the instant it came."""

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.support.acknowledged import Acknowledged
from tests.support.caller import Caller
from tests.support.customers import Person
from tests.support.fleet import Fleet
from tests.support.readers import Readers, reading
from tests.support.sharer import Sharer
from tests.support.wire import Answer, LineBroken

MACHINES, GRANTS = 4, 100
_PACE_S = 0.1
_DONE, _ALREADY = 303, 409
_LAST_S = 60.0


@dataclass(frozen=True, slots=True)
class Done:
    """One act on a grant that was told as done, between these instants (monotonic, ns)."""

    grant_id: str
    called_ns: int
    returned_ns: int


@dataclass
class Load:
    """What all of them were told. `refused` counts answers that told of no success, `silent` those that never came."""

    fleet: Fleet
    person: Person
    proposals: list[str]
    grants: dict[str, str]
    doubter: Caller
    readers: Readers
    approved: list[Done] = field(default_factory=list)
    revoked: list[Done] = field(default_factory=list)
    doubted: list[tuple[str, Answer]] = field(default_factory=list)
    refused: Counter[tuple[int, str]] = field(default_factory=Counter)
    silent: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    @property
    def acknowledged(self) -> Acknowledged:
        """Return what was told as done so far."""
        approved, revoked = ([one.grant_id for one in acts] for acts in (self.approved, self.revoked))
        return Acknowledged(self.readers.received, approved, revoked)

    def done_since(self, instant_ns: int) -> tuple[int, int, int]:
        """Count the releases, approvals and revocations that were asked for after an instant and told as done."""
        answers = list(self.readers.answers.values())
        released = sum(answer.status == 200 and answer.called_ns > instant_ns for answer in answers)
        approved, revoked = (
            sum(one.called_ns > instant_ns for one in list(acts)) for acts in (self.approved, self.revoked)
        )
        return released, approved, revoked

    def back_after_s(self, instant_ns: int) -> float:
        """Return after how many seconds the last of the three kinds was told as done again."""
        answers = list(self.readers.answers.values())
        first = [
            min(answer.returned_ns for answer in answers if answer.status == 200 and answer.called_ns > instant_ns),
            *(
                min(one.returned_ns for one in acts if one.called_ns > instant_ns)
                for acts in (self.approved, self.revoked)
            ),
        ]
        return (max(first) - instant_ns) / 1e9

    def statuses(self) -> set[int]:
        """Return the statuses of all answers."""
        met = {answer.status for answer in self.readers.answers.values()} | {status for status, _ in self.refused}
        return met | {answer.status for _, answer in self.doubted}

    def stale(self) -> list[str]:
        """Return the grants that were released on by a call that began after their revocation had been told as done."""
        told = {one.grant_id: one.returned_ns for one in self.revoked}
        return [
            grant_id for grant_id, answer in self.doubted if answer.status == 200 and answer.called_ns > told[grant_id]
        ]

    def doubts(self, grant_id: str) -> Answer | None:
        """Read on a grant that was revoked."""
        try:
            answer = self.doubter.read("balances", self.grants[grant_id])
        except LineBroken:
            self.silent += 1
            return None
        self.doubted.append((grant_id, answer))
        return answer

    def approve_on(self, sharer: Sharer) -> None:
        """Approve one proposal after the other."""
        accounts = self.person.accounts["messenger"]
        self._act_on(
            self.proposals, lambda one: sharer.line.call(sharer.approving(one, ("balances",), accounts)), self.approved
        )

    def revoke_on(self, sharer: Sharer) -> None:
        """Revoke one grant after the other."""
        self._act_on(list(self.grants), lambda one: sharer.acts("revoke", one), self.revoked)

    def doubt_on(self) -> None:
        """Read on grants that were revoked, the newest most often."""
        while not self._over.wait(_PACE_S):
            if known := list(self.revoked):
                self.doubts(secrets.choice([known[-1], secrets.choice(known)]).grant_id)

    def end(self) -> None:
        self._over.set()

    def _act_on(self, grants: list[str], act: Callable[[str], Answer], told: list[Done]) -> None:
        """Act on each until an answer says that it is done, now or by a call that nobody got an answer to."""
        for grant_id in grants:
            while not self._over.wait(_PACE_S):
                try:
                    answer = act(grant_id)
                except LineBroken:
                    self.silent += 1
                    continue
                if answer.status == _DONE:
                    told.append(Done(grant_id, answer.called_ns, answer.returned_ns))
                    break
                self.refused[answer.status, answer.code] += 1
                if answer.status == _ALREADY:
                    break


@contextmanager
def under_load(fleet: Fleet, count: int = GRANTS) -> Iterator[Load]:
    """Let machines read, one person approve and revoke, and somebody doubt what was revoked, while the block runs.

    There are `count` proposals and as many grants: ten of each are enough for a second.
    """
    person, doubter = fleet.person(), fleet.caller()
    proposals = [fleet.proposal(person, ("balances",)) for _ in range(count)]
    grants = {}
    for _ in range(count):
        grant_id = fleet.grant(person, ("balances",))
        (grants[grant_id],) = fleet.tokens(grant_id, doubter.dpop.thumbprint, ("balances",))
    with reading(fleet, MACHINES) as readers, ThreadPoolExecutor(3) as pool:
        load = Load(fleet, person, proposals, grants, doubter, readers)
        approver, revoker = fleet.sharer(person), fleet.sharer(person)
        running: list[Future[None]] = [
            pool.submit(load.approve_on, approver),
            pool.submit(load.revoke_on, revoker),
            pool.submit(load.doubt_on),
        ]
        try:
            yield load
        finally:
            load.end()
    for future in running:
        future.result(_LAST_S)


def until_done(load: Load, instant_ns: int, count: int, seconds: float) -> None:
    """Wait until so many of each kind were told as done that were asked for after an instant."""
    deadline = time.monotonic() + seconds
    while min(load.done_since(instant_ns)) < count:
        told = f"{load.done_since(instant_ns)} {load.refused}"
        assert time.monotonic() < deadline, f"{told}\n{load.fleet.server.said()}"
        time.sleep(0.01)
