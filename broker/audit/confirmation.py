"""The start-up rule: before a process signs a log, the witnesses confirm that it continues what they have seen (05).

A database that was put back to an earlier state would otherwise grow a second history. One contradiction, early or
late, stops the log in this process for good; too few answers stop accesses only, until enough witnesses have answered.
A log that is found shorter than this process has seen it must be confirmed anew.
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import structlog

from broker.audit.permits import forked
from broker.audit.submission import Says, Statement
from broker.audit.witnesses import Witness, Witnesses
from broker.errors import LogUnavailable, StorageUnavailable
from broker.tlog.compact_range import EMPTY, CompactRange

_RETRY_S: Final = 5.0
_LONGEST_RETRY_S: Final = 60.0
_log = structlog.get_logger(__name__)

Ask = Callable[[Witness, str], Statement]
"""Shows a log's newest checkpoint to one witness (`Submission.ask`)."""


@dataclass(slots=True)
class _Standing:
    """Where one log stands in this process. `asking` is held by the one thread that asks.

    `confirmed_by` are the witnesses that need not be asked again. `end` is the furthest that this process has seen of
    the log under its lock; `is_doubted`: it has found less since, and `doubts` counts how often.
    """

    asking: threading.Lock = field(default_factory=threading.Lock)
    says: Says | None = None
    confirmed_by: frozenset[str] = frozenset()
    asked_at: float = 0.0
    pause_s: float = _RETRY_S
    end: CompactRange = EMPTY
    is_doubted: bool = False
    doubts: int = 0


class Confirmation:
    """Knows which logs this process may sign. After all have confirmed a log, it costs a look into memory."""

    def __init__(self, witnesses: Witnesses, ask: Ask, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._witnesses = witnesses
        self._ask = ask
        self._monotonic = monotonic
        self._vkeys = {member.verifier.vkey: member.name for member in witnesses.members}
        self._standings: dict[str, _Standing] = {}
        self._mutex = threading.Lock()

    @property
    def forked(self) -> list[str]:
        """Return the logs that a witness has contradicted."""
        with self._mutex:
            return [log for log, standing in self._standings.items() if standing.says is Says.CONTRADICTS]

    def is_due(self, log: str) -> bool:
        """Say whether a witness has to be asked about a log now; waits for nobody."""
        standing = self._standing(log)
        if standing.says is None:
            return bool(self._witnesses.members)
        if standing.says is Says.CONTRADICTS or len(standing.confirmed_by) == len(self._witnesses.members):
            return False
        return self._monotonic() - standing.asked_at >= standing.pause_s

    def inquire(self, log: str) -> None:
        """Ask the witnesses about a log unless it is settled. Never call it inside a transaction, lock or fence.

        The first time one thread asks and the others wait for it. Later nobody waits: after each pause those that have
        not answered yet are asked again beside the calls, also when the others were enough.

        Raises:
            StorageUnavailable: the log cannot be read.
        """
        standing = self._standing(log)
        if not self.is_due(log):
            return
        if standing.says is None:
            with standing.asking:
                if standing.says is None:
                    self._ask_about(log, standing)
        elif standing.asking.acquire(blocking=False):
            threading.Thread(target=self._ask_again, args=[log, standing], name="witness", daemon=True).start()

    def learn(self, log: str, witnesses: Iterable[str]) -> None:
        """Stop a log that configured witnesses (vkeys) have contradicted, as another process has heard."""
        names = sorted(self._vkeys[vkey] for vkey in witnesses if vkey in self._vkeys)
        standing = self._standing(log)
        with self._mutex:
            if not names or standing.says is Says.CONTRADICTS:
                return
            standing.says = Says.CONTRADICTS
        _log.error("audit.log_forked", log=log, witness=", ".join(names), why="Another process has heard it.")

    def remember(self, log: str, end: CompactRange) -> None:
        """Remember how far a log has got, as committed: it must not be found shorter, or with another root."""
        standing = self._standing(log)
        with self._mutex:
            if end.size > standing.end.size:
                standing.end = end

    def check(self, log: str, *, for_access: bool, end: CompactRange | None = None) -> None:
        """Refuse to sign what the witnesses contradict; refuse accesses until a quorum has confirmed the log.

        `end` is where the log ends, read under its lock. Ends it before what was seen, its confirmation counts no more.

        Raises:
            LogUnavailable: `log-forked`, `witnesses-unavailable`, or nobody has asked about this log yet.
        """
        if not self._witnesses.members:
            return
        standing = self._standing(log)
        if standing.says is Says.CONTRADICTS:
            raise forked()
        is_less = end is not None and not self._continues(log, standing, end)
        if standing.says is None:
            raise LogUnavailable  # another log, or less of it, is the current one now; who tries again asks first
        if is_less or (for_access and standing.says is Says.UNANSWERED):
            raise LogUnavailable(
                "Too few witnesses have confirmed this log, so nothing is released.", code="witnesses-unavailable"
            )

    def _continues(self, log: str, standing: _Standing, end: CompactRange) -> bool:
        """Say whether a log ends where it was seen to end or later; withdraw its confirmation if it does not."""
        with self._mutex:
            seen = standing.end
            if end.size > seen.size or end == seen:
                standing.end = end
                return True
            if not standing.is_doubted and standing.says is not Says.CONTRADICTS:
                standing.is_doubted, standing.doubts = True, standing.doubts + 1
                standing.says, standing.confirmed_by, standing.pause_s = None, frozenset(), _RETRY_S
                _log.error("audit.log_shrunk", log=log, size=end.size, seen=seen.size)
        return False

    def _standing(self, log: str) -> _Standing:
        with self._mutex:
            return self._standings.setdefault(log, _Standing())

    def _ask_again(self, log: str, standing: _Standing) -> None:
        try:
            self._ask_about(log, standing)
        except StorageUnavailable:
            standing.asked_at = self._monotonic()  # the database is away: after the next pause
        finally:
            standing.asking.release()

    def _ask_about(self, log: str, standing: _Standing) -> None:
        with self._mutex:
            doubts, known = standing.doubts, standing.confirmed_by
        statements = self._statements(log, [one for one in self._witnesses.members if one.name not in known])
        _tell(log, statements)
        with self._mutex:
            if standing.says is not Says.CONTRADICTS:
                self._judge(standing, statements, is_stale=standing.doubts != doubts)

    def _judge(self, standing: _Standing, statements: Sequence[Statement], *, is_stale: bool) -> None:
        """Count what was said. What was said before the log was found shorter counts only if it contradicts."""
        if any(statement.says is Says.CONTRADICTS for statement in statements):
            standing.says = Says.CONTRADICTS
            return
        if is_stale:
            return
        standing.confirmed_by |= {one.witness for one in statements if one.says is Says.CONSISTENT}
        standing.asked_at = self._monotonic()
        # What this process knows better is given up only on somebody's word, also where no quorum is asked for.
        quorum = max(self._witnesses.quorum, int(standing.is_doubted))
        if len(standing.confirmed_by) < quorum:
            standing.says = Says.UNANSWERED
            return
        if standing.is_doubted:
            standing.is_doubted, standing.end = False, EMPTY
        if standing.says is Says.CONSISTENT:
            standing.pause_s = min(_LONGEST_RETRY_S, 2 * standing.pause_s)
        standing.says = Says.CONSISTENT

    def _statements(self, log: str, witnesses: Sequence[Witness]) -> Sequence[Statement]:
        """Ask these witnesses at once: the slowest alone decides how long it takes."""
        with ThreadPoolExecutor(max(1, len(witnesses)), thread_name_prefix="witness") as pool:
            return list(pool.map(lambda witness: self._ask(witness, log), witnesses))


def _tell(log: str, statements: Sequence[Statement]) -> None:
    for said in statements:
        if said.says is Says.CONTRADICTS:
            _log.error("audit.log_forked", log=log, witness=said.witness, size=said.size, why=said.reason)
        elif said.says is Says.UNANSWERED:
            _log.warning("audit.witness_unanswered", log=log, witness=said.witness, why=said.reason)
