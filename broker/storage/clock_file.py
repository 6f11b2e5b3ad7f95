"""How far a sandbox's clock has been put forward: a file that all processes of one world read.

Trusted: whoever can write this file can end every grant of the sandbox, and in a sandbox alone: in production nothing
reads it. It tells a span, never an instant, and the span only grows.
"""

import fcntl
import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from broker.clock import Clock
from broker.errors import ConfigurationInvalid, InvalidRequest, StorageUnavailable
from broker.settings import Mode, Settings

LEAST_ADVANCE: Final = timedelta(minutes=1)
MOST_ADVANCE: Final = timedelta(days=3660)
"""The furthest that all advances together may lead."""

_MEMBER: Final = "advanced_seconds"
_LONGEST_FILE: Final = 200
_NEVER_ADVANCED: Final = (0, 0, 0)
_UNUSABLE: Final = (
    "The file {} does not say how far the sandbox's clock was put forward. "
    "Bring it back, or start over with `broker sandbox clean`."
)


def clock_file(data_dir: Path) -> Path:
    """Return where a data folder keeps the span."""
    return data_dir / "clock.json"


def advanced_by(path: Path) -> timedelta:
    """Return how far the clock was put forward; nothing when it never was.

    Raises:
        ConfigurationInvalid: the file cannot be read, or does not hold a span within the bounds.
    """
    try:
        with path.open(encoding="ascii") as file:
            text = file.read(_LONGEST_FILE + 1)
        content = json.loads(text) if len(text) <= _LONGEST_FILE else None
    except FileNotFoundError:
        return timedelta()
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationInvalid(_UNUSABLE.format(path)) from error
    seconds = content.get(_MEMBER) if isinstance(content, dict) and len(content) == 1 else None
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 <= seconds <= MOST_ADVANCE.total_seconds():
        raise ConfigurationInvalid(_UNUSABLE.format(path))
    return timedelta(seconds=seconds)


def advance(path: Path, by: timedelta) -> timedelta:
    """Put the clock forward and return by how much in all; every process sees it with its next look at the time.

    Raises:
        InvalidRequest: less than a minute, backwards, or further in all than ten years.
        ConfigurationInvalid: the present span cannot be read, or the folder cannot be written.
    """
    if by < LEAST_ADVANCE:
        raise InvalidRequest("The sandbox's clock goes forward only, by a minute or more.")
    try:
        with path.with_suffix(".lock").open("w", encoding="ascii") as lock:
            # Two advances at once must both count.
            fcntl.flock(lock, fcntl.LOCK_EX)
            total = advanced_by(path) + by
            if total > MOST_ADVANCE:
                raise InvalidRequest(f"The sandbox's clock goes no further than {MOST_ADVANCE.days} days in all.")
            _replace(path, {_MEMBER: int(total.total_seconds())})
    except OSError as error:
        raise ConfigurationInvalid(f"{path.parent} cannot be written: {error.strerror}.") from error
    return total


def _replace(path: Path, content: dict[str, int]) -> None:
    """Write the file as a whole, so that no process ever reads half of it."""
    draft = path.with_suffix(".draft")
    with draft.open("w", encoding="ascii") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


class AdvancedClock:
    """The real time plus the span in the file; looks at the file with each call and reads it when it has changed."""

    def __init__(self, path: Path, wall: Clock) -> None:
        """Read the span for the first time.

        Raises:
            ConfigurationInvalid: the file is there and cannot be used.
        """
        self._path = path
        self._wall = wall
        # One tuple, replaced as a whole: threads share this clock.
        self._seen = (self._state(), advanced_by(path))

    def __call__(self) -> datetime:
        """Return the present instant of the sandbox, aware, UTC.

        Raises:
            StorageUnavailable: the file was damaged, removed or put back while the broker runs. Nothing is judged by
                a time that might be too early.
        """
        state, span = self._seen
        if (now_state := self._state()) != state:
            span = self._later(span)
            self._seen = (now_state, span)
        return self._wall() + span

    def _later(self, before: timedelta) -> timedelta:
        try:
            span = advanced_by(self._path)
        except ConfigurationInvalid as error:
            raise StorageUnavailable("The sandbox's clock cannot be read at the moment.") from error
        if span < before:
            raise StorageUnavailable("The sandbox's clock was put back, so no time can be told.")
        return span

    def _state(self) -> tuple[int, int, int]:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return _NEVER_ADVANCED
        except OSError as error:
            raise StorageUnavailable("The sandbox's clock cannot be read at the moment.") from error
        return (found.st_mtime_ns, found.st_ino, found.st_size)


def own_clock(settings: Settings, wall: Clock) -> Clock:
    """Return the clock of the broker's own promises: the real time, which a sandbox alone may run ahead of.

    Raises:
        ConfigurationInvalid: a sandbox's clock file cannot be used.
    """
    return AdvancedClock(clock_file(settings.data_dir), wall) if settings.mode is Mode.SANDBOX else wall
