"""How often one username may be tried with a wrong password."""

from collections import deque
from dataclasses import dataclass, field
from threading import Lock

TRIES = 10
SECONDS = 60
_USERNAMES_WATCHED = 10_000


@dataclass(slots=True)
class Throttle:
    """Counts wrong passwords for each username over the last minute, customers and strangers alike."""

    _wrong: dict[str, deque[int]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def is_closed(self, username: str, at: int) -> bool:
        """Tell whether a username has had its tries; `at` is in seconds since 1970."""
        with self._lock:
            tries = self._wrong.get(username, deque())
            return sum(1 for tried_at in tries if tried_at > at - SECONDS) >= TRIES

    def count_wrong(self, username: str, at: int) -> None:
        """Remember one wrong password; `at` is in seconds since 1970."""
        with self._lock:
            if len(self._wrong) >= _USERNAMES_WATCHED:
                self._forget(at)
            self._wrong.setdefault(username, deque(maxlen=TRIES)).append(at)

    def clear(self, username: str) -> None:
        """Forget the wrong tries of somebody who has signed in."""
        with self._lock:
            self._wrong.pop(username, None)

    def _forget(self, at: int) -> None:
        stale = [name for name, tries in self._wrong.items() if tries[-1] <= at - SECONDS]
        for name in stale or list(self._wrong)[:1]:
            del self._wrong[name]
