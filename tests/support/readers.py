"""Several machines that read at once and remember which answers they received in full."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.support.fleet import Fleet
from tests.support.wire import Answer, LineBroken

_PAUSE_S = 0.05  # machines that are refused must not take the time of the processes that they wait for
_TIMEOUT_S = 60


@dataclass
class Readers:
    """What they have received: `answers` by interaction id, and how often no answer came."""

    answers: dict[str, Answer] = field(default_factory=dict)
    broken: int = 0
    _enough: threading.Event = field(default_factory=threading.Event)

    @property
    def received(self) -> list[str]:
        """Return the ids of the answers with data, in the order in which they came."""
        return [name for name, answer in list(self.answers.items()) if answer.status == 200]

    def read_on(self, call: Callable[[str], Answer], *, most: int | None = None) -> None:
        """Call again and again, each time under a new interaction id."""
        done = 0
        while not self._enough.is_set() and done != most:
            name, done = str(uuid.uuid4()), done + 1
            try:
                self.answers[name] = call(name)
            except LineBroken:
                self.broken += 1
                time.sleep(_PAUSE_S)

    def stop(self) -> None:
        self._enough.set()


@contextmanager
def reading(fleet: Fleet, machines: int, category: str = "balances", most: int | None = None) -> Iterator[Readers]:
    """Let so many machines read under one grant while the block runs; with `most` each makes so many calls."""
    readers, person = Readers(), fleet.person()
    grant = fleet.grant(person, (category,))

    def read() -> None:
        caller = fleet.caller()
        (token,) = fleet.tokens(grant, caller.dpop.thumbprint, (category,))
        readers.read_on(lambda name: caller.read(category, token, name), most=most)

    with ThreadPoolExecutor(machines) as pool:
        running = [pool.submit(read) for _ in range(machines)]
        try:
            yield readers
            if most is not None:
                for machine in running:
                    machine.result(_TIMEOUT_S * max(1, most))
        finally:
            readers.stop()
    for machine in running:
        machine.result(0)
