"""Spares a bank that fails, and those who wait for it: after several failures in a row nobody calls for a while."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from broker.errors import BankUnavailable

FAILURES_TO_OPEN: Final = 5
OPEN_FOR_S: Final = 5.0


class NotCounted(Exception):
    """Carries a refusal of our own out of a guarded call: it says nothing of the bank, good or bad."""

    def __init__(self, refusal: BankUnavailable) -> None:
        super().__init__()
        self.refusal = refusal


class Breaker:
    """Closed: calls pass. Open: calls are refused at once. Half-open, after a pause: one call may try.

    However it stands, only so many calls are under way at once: a slow bank must not hold every thread.
    Safe to share between threads; each process keeps its own.
    """

    def __init__(self, monotonic: Callable[[], float], most_in_flight: int) -> None:
        self._monotonic = monotonic
        self._most_in_flight = most_in_flight
        self._lock = threading.Lock()
        self._in_flight = 0
        self._failures = 0
        self._opened_at: float | None = None
        self._probing = False

    @contextmanager
    def guarding(self) -> Iterator[None]:
        """Run one call under the breaker; however it raises counts as a failure, but for `NotCounted`.

        Raises: BankUnavailable while it is open; the refusal that a `NotCounted` carries.
        """
        self._enter()
        succeeded: bool | None = False
        try:
            yield
            succeeded = True
        except NotCounted as error:
            succeeded = None
            raise error.refusal from error
        finally:
            self._leave(succeeded=succeeded)

    def _enter(self) -> None:
        with self._lock:
            if self._in_flight >= self._most_in_flight:
                raise BankUnavailable("The bank is slow, and others are waiting for it already.")
            if self._opened_at is not None:
                if self._probing or self._monotonic() - self._opened_at < OPEN_FOR_S:
                    raise BankUnavailable("The bank failed several times in a row and is given a short rest.")
                self._probing = True
            self._in_flight += 1

    def _leave(self, *, succeeded: bool | None) -> None:
        with self._lock:
            self._in_flight -= 1
            self._probing = False
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

    def __init__(self, monotonic: Callable[[], float], most_in_flight: int) -> None:
        self._monotonic = monotonic
        self._most_in_flight = most_in_flight
        self._lock = threading.Lock()
        self._by_name: dict[str, Breaker] = {}

    def named(self, name: str) -> Breaker:
        """Give the breaker of this name."""
        with self._lock:
            if name not in self._by_name:
                self._by_name[name] = Breaker(self._monotonic, self._most_in_flight)
            return self._by_name[name]
