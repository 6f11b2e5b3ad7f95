"""Which logs this process may sign, by bank: asked for before fences and locks, checked under the lock.

Trusted: what `Confirms` says. The real one asks the witnesses (`audit.confirmation`).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from sqlalchemy.orm import Session

from broker.audit.tree import heads
from broker.audit.vocabulary import OPERATOR_LOG
from broker.errors import LogUnavailable
from broker.storage.engine import Database


def forked() -> LogUnavailable:
    """Return the refusal to sign a log that a witness contradicts."""
    return LogUnavailable(
        "The witnesses have seen another history of this log, so nothing is written to it.", code="log-forked"
    )


class Confirms(Protocol):
    """Knows for each log, by its name, whether this process may sign it."""

    @property
    def forked(self) -> Iterable[str]:
        """Return the logs that a witness has contradicted."""
        ...

    def is_confirmed(self, log: str) -> bool:
        """Say whether everything may be written to a log."""
        ...

    def inquire(self, log: str) -> None:
        """Ask about a log, outside of every transaction, lock and fence."""
        ...

    def check(self, log: str, *, for_access: bool) -> None:
        """Refuse to sign, by what was heard before."""
        ...


class Permits:
    """Remembers the name of each bank's current log, so that a confirmed log costs two look-ups in memory.

    `current` reads the name of a bank's current log (None: the operator's) from the database. Without `confirmation`
    every log may be signed: no witness is configured.
    """

    def __init__(
        self, database: Database, current: Callable[[Session, str | None], str], confirmation: Confirms | None
    ) -> None:
        self._database = database
        self._current = current
        self._confirmation = confirmation
        self._names: dict[str | None, str] = {}

    def obtain(self, banks: Iterable[str | None]) -> None:
        """Have the witnesses asked about the logs of these banks where this process still has to.

        Raises:
            StorageUnavailable: the names of the logs cannot be read.
        """
        if self._confirmation is None:
            return
        for bank in banks:
            if bank not in self._names or not self._confirmation.is_confirmed(self._names[bank]):
                with self._database.read() as session:
                    self._names[bank] = self._current(session, bank)
                self._confirmation.inquire(self._names[bank])

    def obtain_all(self) -> None:
        """Have the witnesses asked about every current log, one after the other.

        Raises:
            StorageUnavailable: the logs cannot be read.
        """
        with self._database.read() as session:
            current = [head.origin for head in heads(session) if head.is_current]
        for log in current:
            self.inquire(log)

    def inquire(self, log: str) -> None:
        """Have the witnesses asked about one log, such as one that is to be opened."""
        if self._confirmation is not None:
            self._confirmation.inquire(log)

    def check(self, logs: Mapping[str | None, str], *, for_access: bool) -> None:
        """Refuse what may not be signed, under the locks of these logs (names, by bank).

        Raises:
            LogUnavailable: with the code of what the witnesses said.
        """
        if self._confirmation is None:
            return
        for bank, log in logs.items():
            try:
                self._confirmation.check(log, for_access=for_access)
            except LogUnavailable:
                # It may be another log than the one asked about: who comes next looks again.
                self._names.pop(bank, None)
                raise

    def check_current(self) -> None:
        """Refuse when a witness has contradicted a log that is still the current one.

        Raises:
            LogUnavailable: `log-forked`.
            StorageUnavailable: the names of the logs cannot be read.
        """
        found = list(self._confirmation.forked) if self._confirmation is not None else []
        if not found:
            return
        with self._database.read() as session:
            if any(self._current(session, _bank_of(log)) == log for log in found):
                raise forked()


def _bank_of(log: str) -> str | None:
    owner = log.split("/")[-2]  # <host>/audit/<bank or operator>/<year>
    return None if owner == OPERATOR_LOG else owner
