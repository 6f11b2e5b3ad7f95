"""What one look found, how bad it is, and what to do about it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from broker.errors import BrokerError

_BROKEN = (BrokerError, OSError, ValueError, LookupError, TypeError, ArithmeticError)


class Level(StrEnum):
    """How bad it is: `warn` works but deserves a look, `error` does not work or is not safe."""

    OK = "ok"
    WARN = "warn"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One outcome. `found` says what is so, `mend` what to do, None when all is well; neither holds a secret."""

    check: str
    level: Level
    found: str
    mend: str | None = None


def well(check: str, found: str) -> Finding:
    """Say that all is well."""
    return Finding(check, Level.OK, found)


def doubtful(check: str, found: str, mend: str) -> Finding:
    """Say what deserves a look."""
    return Finding(check, Level.WARN, found, mend)


def wrong(check: str, found: str, mend: str) -> Finding:
    """Say what does not work or is not safe."""
    return Finding(check, Level.ERROR, found, mend)


def looking(check: str, look: Callable[[], Iterable[Finding]], mend: str) -> Iterator[Finding]:
    """Yield what a look finds; if the look itself breaks off, that is one more finding, told with `mend`."""
    try:
        yield from look()
    except BrokerError as error:
        yield wrong(check, error.detail, mend)
    except _BROKEN as error:
        # Of other exceptions the message is not told: it can hold values.
        yield wrong(check, f"What is stored there cannot be read ({type(error).__name__}).", mend)
