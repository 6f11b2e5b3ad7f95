"""Readers whose calls hang at a bank, each under grants that a person may revoke meanwhile."""

import queue
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.support.caller import Caller
from tests.support.fleet import Fleet
from tests.support.sharer import Sharer

_POLITE_S = 1.0
_CATEGORY = "balances"
_GRANTS_OF_ONE_PERSON = 8
_ENDED = 401


@dataclass(frozen=True, slots=True)
class Share:
    """One grant, a browser of its person, and a token for the reader that it is given to."""

    grant: str
    sharer: Sharer
    caller: Caller
    token: str


@dataclass
class Held:
    """So many readers. `under_way` yields shares whose call is under way; `statuses` is what the readers were told."""

    under_way: "queue.Queue[Share]" = field(default_factory=queue.Queue)
    statuses: list[int] = field(default_factory=list)
    _enough: threading.Event = field(default_factory=threading.Event)

    def read_on(self, shares: Sequence[Share]) -> None:
        """Read under each grant until it has ended; after a refusal wait a little, as a decent platform does."""
        for share in shares:
            self.under_way.put(share)
            status = 0
            while status != _ENDED and not self._enough.is_set():
                status = share.caller.read(_CATEGORY, share.token).status
                self.statuses.append(status)
                self._enough.wait(_POLITE_S)

    def stop(self) -> None:
        self._enough.set()


def shares_of(fleet: Fleet, readers: int, each: int) -> list[list[Share]]:
    """Prepare so many shares for each reader."""
    callers = [fleet.caller() for _ in range(readers)]
    found: list[list[Share]] = [[] for _ in callers]
    for number in range(readers * each):
        if number % _GRANTS_OF_ONE_PERSON == 0:
            person = fleet.person()
            sharer = fleet.sharer(person)
        caller, grant = callers[number % readers], fleet.grant(person, (_CATEGORY,))
        (token,) = fleet.tokens(grant, caller.dpop.thumbprint, (_CATEGORY,))
        found[number % readers].append(Share(grant, sharer, caller, token))
    return found


@contextmanager
def held_readers(fleet: Fleet, shares: Sequence[Sequence[Share]]) -> Iterator[Held]:
    """Let the readers call while the block runs; the bank is mended afterwards, so that they end."""
    held = Held()
    with ThreadPoolExecutor(len(shares)) as pool:
        running = [pool.submit(held.read_on, one) for one in shares]
        try:
            yield held
        finally:
            held.stop()
            fleet.banks["harbor"].behaves()
    for reader in running:
        reader.result(0)
