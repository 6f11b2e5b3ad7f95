"""Pushes new checkpoints to one witness, again and again, and keeps its cosignatures (05: at most 5 s after a commit).

Each witness has a pusher on a thread of its own: a slow or dead one delays nobody else.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from broker.audit.submission import Says, Statement, Submission
from broker.audit.tree import sizes
from broker.audit.witnessed import keep
from broker.audit.witnesses import Witness
from broker.errors import BrokerError

_LOOK_S: Final = 0.25
_PAUSE_S: Final = 4.0  # between two pushes of one log: with the look and the call it stays below five seconds
_LONGEST_PAUSE_S: Final = 60.0
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Turn:
    """How far one log has been pushed. `next_at` is when it may be pushed again (monotonic)."""

    size: int = -1
    next_at: float = 0.0
    pause_s: float = _PAUSE_S
    is_over: bool = False


class Pusher:
    """Shows one witness every log that has grown, each at once after a quiet time and every four seconds at most."""

    def __init__(
        self, submission: Submission, witness: Witness, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._submission = submission
        self._witness = witness
        self._monotonic = monotonic
        self._turns: dict[str, _Turn] = {}

    def run(self, stopping: threading.Event) -> None:
        """Push until `stopping`."""
        while not stopping.is_set():
            try:
                self.push_due(stopping)
            except BrokerError as error:
                # The database is away; what was to be pushed stands in it still.
                _log.warning("witness.round_failed", witness=self._witness.name, code=error.code)
                stopping.wait(_PAUSE_S)
            stopping.wait(_LOOK_S)

    def push_due(self, stopping: threading.Event) -> None:
        """Push each log that has grown since it was last pushed, and whose pause is over.

        Raises:
            StorageUnavailable: the logs cannot be read, or a cosignature not be stored.
        """
        with self._submission.database.read() as session:
            grown = sizes(session)
        for log, size in grown.items():
            turn = self._turns.setdefault(log, _Turn())
            if size > turn.size and not turn.is_over and self._monotonic() >= turn.next_at and not stopping.is_set():
                self._push(log, turn)

    def _push(self, log: str, turn: _Turn) -> None:
        said = self._submission.submit(self._witness, log)
        if said.says is Says.CONSISTENT and said.checkpoint is not None:
            turn.size, turn.pause_s = said.size, _PAUSE_S
            with self._submission.database.write() as session:
                keep(session, said.checkpoint, said.note, {said.witness: said.line})
        else:
            self._tell(log, turn, said)
        turn.next_at = self._monotonic() + turn.pause_s

    def _tell(self, log: str, turn: _Turn, said: Statement) -> None:
        if said.says is Says.CONTRADICTS:
            # Nothing that comes later can make two histories one.
            turn.is_over = True
            _log.error("audit.log_forked", log=log, witness=said.witness, size=said.size, why=said.reason)
        else:
            turn.pause_s = min(_LONGEST_PAUSE_S, turn.pause_s * 2)
            _log.warning("audit.witness_unanswered", log=log, witness=said.witness, why=said.reason)
