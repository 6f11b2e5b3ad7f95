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
from broker.audit.tree import Head, checkpoints
from broker.audit.witnessed import keep
from broker.audit.witnesses import Witness
from broker.errors import BrokerError
from broker.tlog.checkpoint import parse_checkpoint
from broker.tlog.errors import Unverifiable
from broker.tlog.note import parse_note

_LOOK_S: Final = 0.25
_PAUSE_S: Final = 4.0  # between two pushes of one log: with the look and the call it stays below five seconds
_LONGEST_PAUSE_S: Final = 60.0
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Turn:
    """The checkpoint of one log that was pushed last. `next_at` is when it may be pushed again (monotonic)."""

    note: bytes | None = None
    next_at: float = 0.0
    pause_s: float = _PAUSE_S


class Rounds:
    """The head of each log that all witnesses are shown, until the next round: one checkpoint has the lines of all."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._begun: dict[str, tuple[float, bytes]] = {}
        self._mutex = threading.Lock()

    def note(self, log: str, newest: bytes) -> bytes:
        """Return the signed note to show now; a round begins with the newest one, four seconds apart at least."""
        with self._mutex:
            since, note = self._begun.get(log, (None, newest))
            if since is None or (note != newest and self._monotonic() >= since + _PAUSE_S):
                self._begun[log] = self._monotonic(), newest
                return newest
            return note


class Pusher:
    """Shows one witness every log that has changed, each at once after a quiet time and every four seconds at most."""

    def __init__(
        self,
        submission: Submission,
        witness: Witness,
        monotonic: Callable[[], float] = time.monotonic,
        rounds: Rounds | None = None,
    ) -> None:
        self._submission = submission
        self._witness = witness
        self._monotonic = monotonic
        self._rounds = rounds or Rounds(monotonic)
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
        """Push each log that has another checkpoint than the one pushed last, and whose pause is over.

        Another, not a larger one: a database may be put back under us. What fails of one log keeps no other waiting.

        Raises:
            StorageUnavailable: the logs cannot be read.
        """
        with self._submission.database.read() as session:
            found = checkpoints(session)
        for log, newest in found.items():
            note = self._rounds.note(log, newest)
            turn = self._turns.setdefault(log, _Turn())
            if note != turn.note and self._monotonic() >= turn.next_at and not stopping.is_set():
                try:
                    self._push(log, turn, note)
                except BrokerError as error:
                    self._put_off(turn)
                    _log.warning("witness.push_failed", log=log, witness=self._witness.name, code=error.code)

    def _push(self, log: str, turn: _Turn, note: bytes) -> None:
        said = self._submission.ask(self._witness, log, _head(log, note))
        if said.says is Says.CONSISTENT and said.checkpoint is not None:
            turn.note, turn.pause_s = note, _PAUSE_S
            with self._submission.database.write() as session:
                keep(session, said.checkpoint, said.note, {said.witness: said.line})
            turn.next_at = self._monotonic()  # the rounds keep the pause
        else:
            self._put_off(turn)
            _tell(log, said)

    def _put_off(self, turn: _Turn) -> None:
        turn.pause_s = min(_LONGEST_PAUSE_S, turn.pause_s * 2)
        turn.next_at = self._monotonic() + turn.pause_s


def _head(log: str, note: bytes) -> Head | None:
    """Return the head that a stored note tells of, None when somebody has written something else there."""
    try:
        checkpoint = parse_checkpoint(parse_note(note).text)
    except Unverifiable:
        return None
    return Head(log, checkpoint.size, checkpoint.root, note, is_current=True)


def _tell(log: str, said: Statement) -> None:
    if said.says is Says.CONTRADICTS:
        _log.error("audit.log_forked", log=log, witness=said.witness, size=said.size, why=said.reason)
    else:
        _log.warning("audit.witness_unanswered", log=log, witness=said.witness, why=said.reason)
