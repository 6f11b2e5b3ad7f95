"""Spares a bank that fails, and those who wait for it: after several failures in a row nobody calls for a while."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from broker.errors import BankUnavailable

FAILURES_TO_OPEN: Final = 5
OPEN_FOR_S: Final = 5.0
_PATIENCE_S: Final = 0.25
_QUICK_S: Final = 0.1
"""While no call to a bank has been under way for longer, it answers, and a place is free in a moment."""


class NotCounted(Exception):
    """Carries a refusal of our own out of a guarded call: it says nothing of the bank, good or bad."""

    def __init__(self, refusal: BankUnavailable) -> None:
        super().__init__()
        self.refusal = refusal


class Slots:
    """Counts calls under way: at most so many to one bank, and so many to all banks together.

    Slow banks, one or several, must not hold every thread: the rest is for pages and for other banks.
    """

    def __init__(self, most_to_one: int, most_to_all: int) -> None:
        self.changed = threading.Condition()
        self.most_to_one = most_to_one
        self.most_to_all = most_to_all
        self.taken = 0
        self.waiting = 0

    def await_room(self, has_room: Callable[[], bool], *, is_quick: bool) -> bool:
        """Wait a moment until there is room. Call it with `changed` held.

        Who waits holds a thread as well: calls under way and waiting together stay within the number for all banks,
        but where the bank has answered quickly until now (`is_quick`): there a burst is worth the moment.
        """
        if not is_quick and not has_room() and self.taken + self.waiting >= self.most_to_all:
            return False
        self.waiting += 1
        try:
            return self.changed.wait_for(has_room, _PATIENCE_S)
        finally:
            self.waiting -= 1


class Breaker:
    """Closed: calls pass. Open: calls are refused at once. Half-open, after a pause: one call may try.

    However it stands, a call needs a slot, and waits a moment for one. Safe to share between threads; each process
    keeps its own.
    """

    def __init__(self, monotonic: Callable[[], float], slots: Slots) -> None:
        self._monotonic = monotonic
        self._slots = slots
        self._lock = threading.Lock()
        self._under_way: list[float] = []
        self._failures = 0
        self._opened_at: float | None = None
        self._probing = False

    @contextmanager
    def guarding(self) -> Iterator[None]:
        """Run one call under the breaker; however it raises counts as a failure, but for `NotCounted`.

        Raises: BankUnavailable while it is open; the refusal that a `NotCounted` carries.
        """
        with self._slot():
            is_probe = self._enter()
            succeeded: bool | None = False
            try:
                yield
                succeeded = True
            except NotCounted as error:
                succeeded = None
                raise error.refusal from error
            finally:
                self._leave(is_probe=is_probe, succeeded=succeeded)

    @contextmanager
    def _slot(self) -> Iterator[None]:
        self._refuse_while_resting()
        with self._slots.changed:
            if not self._slots.await_room(self._has_room, is_quick=self._is_quick()):
                raise BankUnavailable("The bank is slow, and others are waiting for it already.")
            self._under_way.append(began := self._monotonic())
            self._slots.taken += 1
        try:
            yield
        finally:
            with self._slots.changed:
                self._under_way.remove(began)
                self._slots.taken -= 1
                self._slots.changed.notify_all()

    def _has_room(self) -> bool:
        return len(self._under_way) < self._slots.most_to_one and self._slots.taken < self._slots.most_to_all

    def _is_quick(self) -> bool:
        """Say whether calls are under way, all of them for a moment only."""
        return bool(self._under_way) and self._monotonic() - min(self._under_way) < _QUICK_S

    def _refuse_while_resting(self) -> None:
        opened_at = self._opened_at  # once: another thread may close the breaker between two looks
        if opened_at is not None and (self._probing or self._monotonic() - opened_at < OPEN_FOR_S):
            raise BankUnavailable("The bank failed several times in a row and is given a short rest.")

    def _enter(self) -> bool:
        """Return whether this call is the one that tries, after a rest, how the bank is."""
        with self._lock:
            self._refuse_while_resting()
            self._probing = self._opened_at is not None
            return self._probing

    def _leave(self, *, is_probe: bool, succeeded: bool | None) -> None:
        with self._lock:
            if is_probe:
                self._probing = False
            elif self._opened_at is not None:
                return  # a late call, begun before the rest: what it met is old
            if succeeded is None:
                return
            if succeeded:
                self._failures, self._opened_at = 0, None
                return
            self._failures += 1
            if self._failures >= FAILURES_TO_OPEN:
                self._opened_at = self._monotonic()


class Breakers:
    """One breaker for each name, made when first asked for."""

    def __init__(self, monotonic: Callable[[], float], slots: Slots) -> None:
        self._monotonic = monotonic
        self._slots = slots
        self._lock = threading.Lock()
        self._by_name: dict[str, Breaker] = {}

    def named(self, name: str) -> Breaker:
        """Give the breaker of this name."""
        with self._lock:
            if name not in self._by_name:
                self._by_name[name] = Breaker(self._monotonic, self._slots)
            return self._by_name[name]
