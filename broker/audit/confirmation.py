"""The start-up rule: before a process signs a log, the witnesses confirm that it continues what they have seen (05).

A database that was put back to an earlier state would otherwise grow a second history. One contradiction stops the log
in this process for good; too few answers stop accesses only, until enough witnesses have answered.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import structlog

from broker.audit.permits import forked
from broker.audit.submission import Says, Statement
from broker.audit.witnesses import Witness, Witnesses
from broker.errors import LogUnavailable, StorageUnavailable

_RETRY_S: Final = 5.0
_log = structlog.get_logger(__name__)

Ask = Callable[[Witness, str], Statement]
"""Shows a log's newest checkpoint to one witness (`Submission.submit`)."""


@dataclass(slots=True)
class _Standing:
    """Where one log stands in this process. `asking` is held by the one thread that asks."""

    asking: threading.Lock = field(default_factory=threading.Lock)
    says: Says | None = None
    asked_at: float = 0.0


class Confirmation:
    """Knows which logs this process may sign. After a log's confirmation it costs one look into a set."""

    def __init__(self, witnesses: Witnesses, ask: Ask, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._witnesses = witnesses
        self._ask = ask
        self._monotonic = monotonic
        self._confirmed: set[str] = set()
        self._standings: dict[str, _Standing] = {}
        self._mutex = threading.Lock()

    def is_confirmed(self, log: str) -> bool:
        """Say whether a quorum has confirmed a log, or none has to; waits for nobody."""
        return log in self._confirmed or not self._witnesses.members

    @property
    def forked(self) -> list[str]:
        """Return the logs that a witness has contradicted."""
        with self._mutex:
            return [log for log, standing in self._standings.items() if standing.says is Says.CONTRADICTS]

    def inquire(self, log: str) -> None:
        """Ask the witnesses about a log unless it is settled. Never call it inside a transaction, lock or fence.

        The first time one thread asks and the others wait for it. Later, while a quorum is missing, nobody waits: after
        each pause the witnesses are asked again beside the calls.

        Raises:
            StorageUnavailable: the log cannot be read.
        """
        standing = self._standing(log)
        if self.is_confirmed(log) or not self._is_due(standing):
            return
        if standing.says is None:
            with standing.asking:
                if standing.says is None:
                    self._ask_about(log, standing)
        elif standing.asking.acquire(blocking=False):
            threading.Thread(target=self._ask_again, args=[log, standing], name="witness", daemon=True).start()

    def _ask_again(self, log: str, standing: _Standing) -> None:
        try:
            self._ask_about(log, standing)
        except StorageUnavailable:
            standing.asked_at = self._monotonic()  # the database is away: after the next pause
        finally:
            standing.asking.release()

    def _ask_about(self, log: str, standing: _Standing) -> None:
        statements = self._statements(log)
        says = self._judged(log, statements)
        if says is Says.CONSISTENT:
            self._confirmed.add(log)
        standing.asked_at, standing.says = self._monotonic(), says

    def check(self, log: str, *, for_access: bool) -> None:
        """Refuse to sign what the witnesses contradict; refuse accesses until a quorum has confirmed the log.

        Raises:
            LogUnavailable: `log-forked`, `witnesses-unavailable`, or nobody has asked about this log yet.
        """
        if self.is_confirmed(log):
            return
        if self._standing(log).says is Says.CONTRADICTS:
            raise forked()
        if self._standing(log).says is None:
            raise LogUnavailable  # another log is the current one now; who tries again asks about it first
        if for_access:
            raise LogUnavailable(
                "Too few witnesses have confirmed this log, so nothing is released.", code="witnesses-unavailable"
            )

    def _standing(self, log: str) -> _Standing:
        with self._mutex:
            return self._standings.setdefault(log, _Standing())

    def _is_due(self, standing: _Standing) -> bool:
        if standing.says is Says.UNANSWERED:
            return self._monotonic() - standing.asked_at >= _RETRY_S
        return standing.says is None

    def _statements(self, log: str) -> Sequence[Statement]:
        """Ask all witnesses at once: the slowest alone decides how long it takes."""
        members = self._witnesses.members
        with ThreadPoolExecutor(len(members), thread_name_prefix="witness") as pool:
            return list(pool.map(lambda witness: self._ask(witness, log), members))

    def _judged(self, log: str, statements: Sequence[Statement]) -> Says:
        against = [statement for statement in statements if statement.says is Says.CONTRADICTS]
        for statement in against:
            _log.error(
                "audit.log_forked", log=log, witness=statement.witness, size=statement.size, why=statement.reason
            )
        if against:
            return Says.CONTRADICTS
        for statement in statements:
            if statement.says is Says.UNANSWERED:
                _log.warning("audit.witness_unanswered", log=log, witness=statement.witness, why=statement.reason)
        count = sum(statement.says is Says.CONSISTENT for statement in statements)
        return Says.CONSISTENT if count >= self._witnesses.quorum else Says.UNANSWERED
