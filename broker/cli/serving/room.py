"""How many requests one process takes on: what comes beyond that is refused before any work, and told to come again."""

import threading
from typing import Protocol

_ONE_KEPT_OF = 8


class Load(Protocol):
    """Who is told how much there is to do."""

    def took(self) -> None:
        """Count a request that was taken on."""

    def answered(self) -> None:
        """Count a request as no longer in hand."""

    def shed(self) -> None:
        """Count a request that was refused because there were too many."""

    def ended(self, pid: int) -> None:
        """Forget what a process had in hand that is no more."""


class Room:
    """The places of one process: taken by its poller, given back by whichever thread has answered.

    Reads leave one place in eight free for all else: who wants to take sharing back comes in when apps ask too much.
    """

    def __init__(self, places: int, load: Load | None) -> None:
        self._lock = threading.Lock()
        self._free = places
        self._kept = places // _ONE_KEPT_OF
        self._load = load

    def enter(self, *, is_read: bool) -> bool:
        """Take a place, without waiting for one; False when there is none for this."""
        with self._lock:
            has_place = self._free > (self._kept if is_read else 0)
            self._free -= has_place
        if self._load is not None:
            (self._load.took if has_place else self._load.shed)()
        return has_place

    def leave(self) -> None:
        """Give a place back."""
        with self._lock:
            self._free += 1
        if self._load is not None:
            self._load.answered()
