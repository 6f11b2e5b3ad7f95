"""What a check can find: a fault of the log, with the entry it was found at, or something that cannot be read."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from broker.tlog.errors import Unverifiable


class Unreadable(Exception):
    """What was given cannot be read at all, so nothing is known about the log. `detail` is safe to show."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Unfinished(Unreadable):
    """What could be checked is as it must be, and something is left open. `code` is stable, `count` says how much."""

    def __init__(self, code: str, detail: str, count: int) -> None:
        super().__init__(detail)
        self.code = code
        self.count = count


class Fault(Exception):
    """The log is not what it must be.

    `number` is the first bad entry, None when the fault is that of no single entry; `last` is the end of the range in
    which the bad entry stands, when the hashes tell no more. `code` is stable (docs/reference/cli.md).
    """

    def __init__(
        self, code: str, detail: str, *, log: str = "", number: int | None = None, last: int | None = None
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.log = log
        self.number = number
        self.last = last

    @property
    def place(self) -> str:
        """Say where the fault is, e.g. `broker.example/audit/harbor/2026 entry 17`."""
        if self.number is None:
            return self.log or "the log"
        span = f"entry {self.number}" if self.last in {None, self.number} else f"entries {self.number} to {self.last}"
        return f"{self.log} {span}".strip()

    def as_json(self) -> dict[str, Any]:
        """Return the fault for programs."""
        return {"log": self.log, "number": self.number, "last": self.last, "code": self.code, "detail": self.detail}


@contextmanager
def found_in(log: str, number: int | None = None) -> Iterator[None]:
    """Tell what `tlog` refuses as a fault of this log.

    Raises:
        Fault: something inside was refused.
    """
    try:
        yield
    except Unverifiable as error:
        raise Fault(error.code, error.detail, log=log, number=number) from error
