"""How many requests one process takes on: what comes beyond that is refused before any work, and told to come again."""

import threading
from typing import Protocol


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
    """The places of one process: taken by its poller, given back by whichever thread has answered."""

    def __init__(self, places: int, load: Load | None) -> None:
        self._places = threading.BoundedSemaphore(places)
        self._load = load

    def enter(self) -> bool:
        """Take a place, without waiting for one; False when there is none."""
        has_place = self._places.acquire(blocking=False)
        if self._load is not None:
            (self._load.took if has_place else self._load.shed)()
        return has_place

    def leave(self) -> None:
        """Give a place back."""
        self._places.release()
        if self._load is not None:
            self._load.answered()
