"""Which logs this process may sign, by bank: asked for before fences and locks, checked under the lock.

Trusted: what `Confirms` says. The real one asks the witnesses (`audit.confirmation`).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import structlog
from sqlalchemy.orm import Session

from broker.audit.contradictions import contradicted, contradicting
from broker.audit.tree import listed
from broker.audit.vocabulary import OPERATOR_LOG
from broker.audit.writer import Log
from broker.errors import LogUnavailable, StorageUnavailable
from broker.storage.engine import Database
from broker.storage.prepared import Transaction
from broker.tlog.compact_range import CompactRange

_log = structlog.get_logger(__name__)


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

    def is_due(self, log: str) -> bool:
        """Say whether somebody has to be asked about a log now."""
        ...

    def inquire(self, log: str) -> None:
        """Ask about a log, outside of every transaction, lock and fence."""
        ...

    def learn(self, log: str, witnesses: Iterable[str]) -> None:
        """Take in that these witnesses (vkeys) have contradicted a log, as another process has heard."""
        ...

    def remember(self, log: str, end: CompactRange) -> None:
        """Take in how far a log has got, as committed."""
        ...

    def check(self, log: str, *, for_access: bool, end: CompactRange | None = None) -> None:
        """Refuse to sign, by what was heard before, and when the log ends before what was seen of it."""
        ...


class Permits:
    """Remembers the name of each bank's current log, so that a confirmed log costs two look-ups before its lock.

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
            if bank not in self._names or self._confirmation.is_due(self._names[bank]):
                with self._database.read() as session:
                    self._names[bank] = self._current(session, bank)
                self._confirmation.inquire(self._names[bank])

    def obtain_all(self) -> None:
        """Have the witnesses asked about every current log, one after the other; one that is damaged delays no other.

        Raises:
            StorageUnavailable: the logs cannot be read.
        """
        if self._confirmation is None:
            return
        with self._database.read() as session:
            current = [log.origin for log in listed(session) if log.is_current]
        for log in current:
            try:
                self.inquire(log)
            except StorageUnavailable as error:
                _log.warning("audit.log_not_confirmed", log=log, code=error.code)

    def inquire(self, log: str) -> None:
        """Have the witnesses asked about one log, such as one that is to be opened."""
        if self._confirmation is not None:
            self._confirmation.inquire(log)

    def check(self, session: Transaction, logs: Mapping[str | None, Log], *, for_access: bool) -> None:
        """Refuse what may not be signed, under the locks of these logs (by bank), before anything is written to them.

        Raises:
            LogUnavailable: with the code of what the witnesses said.
        """
        if self._confirmation is None:
            return
        for bank, log in logs.items():
            try:
                self._learn(session, log.name)
                self._confirmation.check(log.name, for_access=for_access, end=log.frontier)
            except LogUnavailable:
                # It may be another log than the one asked about: who comes next looks again.
                self._names.pop(bank, None)
                raise

    def check_new(self, session: Session, log: str, *, for_access: bool) -> None:
        """Refuse to open a log of this name, by what the witnesses said.

        Raises:
            LogUnavailable: with the code of what the witnesses said.
        """
        if self._confirmation is not None:
            self._learn(session, log)
            self._confirmation.check(log, for_access=for_access)

    def remember(self, logs: Iterable[Log]) -> None:
        """Remember how far these logs have got; what was written to them is durable."""
        if self._confirmation is not None:
            for log in logs:
                self._confirmation.remember(log.name, log.frontier)

    def _learn(self, session: Transaction, log: str) -> None:
        if self._confirmation is not None and (against := contradicting(session, log)):
            self._confirmation.learn(log, against)

    def check_current(self) -> None:
        """Refuse when a witness has contradicted a log that is still the current one.

        Raises:
            LogUnavailable: `log-forked`.
            StorageUnavailable: the names of the logs cannot be read.
        """
        if self._confirmation is None:
            return
        with self._database.read() as session:
            for log, witness in contradicted(session):
                self._confirmation.learn(log, [witness])
            if any(self._current(session, _bank_of(log)) == log for log in self._confirmation.forked):
                raise forked()


def _bank_of(log: str) -> str | None:
    owner = log.split("/")[-2]  # <host>/audit/<bank or operator>/<year>
    return None if owner == OPERATOR_LOG else owner
