"""Shows a log's newest checkpoint to one witness and understands what it says (C2SP tlog-witness).

Not trusted: a witness can refuse, lie or stay silent. What it says for us counts only with its cosignature.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import structlog
from sqlalchemy.orm import Session

from broker.audit.contradictions import keep
from broker.audit.log_keys import LogKeys
from broker.audit.tree import Head, head_of, nodes_of
from broker.audit.witnessed import last_size
from broker.audit.witnesses import Witness
from broker.errors import BankUnavailable, NotFound, StorageUnavailable
from broker.outbound import Answer, OutboundClient
from broker.outbound.deadline import Deadline
from broker.storage.engine import Database
from broker.tlog.checkpoint import Checkpoint, sign_checkpoint
from broker.tlog.errors import Unverifiable
from broker.tlog.merkle import EMPTY_ROOT, consistency_proof
from broker.tlog.note import parse_note
from broker.tlog.witness import CONFLICT, COSIGNED, INCONSISTENT, SIZE_TYPE, AddCheckpoint, open_answer, read_size

_log = structlog.get_logger(__name__)
LARGEST_ANSWER: Final = 16 * 1024
"""Bytes; one cosignature line has about 200."""
_TRIES: Final = 16  # others of our processes may push meanwhile, as when all of them start at once
_OTHERS: Final = "It has seen other entries in their place."
_TYPE: Final = {"Content-Type": "text/plain; charset=utf-8"}


class Says(StrEnum):
    """What one witness says of a log: its head and ours are one history, no answer that counts, or two histories."""

    CONSISTENT = "consistent"
    UNANSWERED = "unanswered"
    CONTRADICTS = "contradicts"


@dataclass(frozen=True, slots=True)
class Statement:
    """What a witness said and why. `size` is that of the log here; the rest is set when it cosigned."""

    witness: str
    says: Says
    reason: str
    size: int = 0
    checkpoint: Checkpoint | None = None
    note: bytes = b""
    line: bytes = b""


@dataclass(frozen=True, slots=True)
class Submission:
    """Asks witnesses. `keys` sign for a log that has no entry here yet; each call ends within `timeout_s`."""

    database: Database
    keys: LogKeys
    http: OutboundClient
    timeout_s: float

    def ask(self, witness: Witness, log: str, shown: Head | None = None) -> Statement:
        """Submit, and keep a contradiction where every process finds it.

        Never call it inside a transaction: it waits for another machine.

        Raises:
            StorageUnavailable: the log cannot be read.
        """
        said = self.submit(witness, log, shown)
        if said.says is Says.CONTRADICTS:
            try:
                with self.database.write(from_reserve=True) as session:
                    keep(session, log, witness.verifier.vkey, said.size)
            except StorageUnavailable as error:
                # Who asked has heard it all the same, and the worker asks again.
                _log.error("audit.contradiction_not_kept", log=log, witness=witness.name, code=error.code)
        return said

    def submit(self, witness: Witness, log: str, shown: Head | None = None) -> Statement:
        """Show the newest checkpoint of a log, with the proof that it continues what the witness has seen.

        `shown` is an earlier head of ours that is shown instead, unless the witness has seen more.
        Never call it inside a transaction: it waits for another machine.

        Raises:
            StorageUnavailable: the log cannot be read.
        """
        deadline = self.http.deadline(self.timeout_s)
        known: int | None = None
        for _ in range(_TRIES):
            head, old, proof = self._prepared(witness, log, known, shown)
            if old > head.size:
                # Read again after the witness had spoken: what it has seen was durable here before it was sent.
                return Statement(witness.name, Says.CONTRADICTS, f"It has seen {old} entries.", head.size)
            try:
                request = AddCheckpoint(old, proof, self._note(head))
                answer = self._sent(witness, request, deadline)
                if answer.status != CONFLICT:
                    return _understood(witness, request, head, answer)
                if old == head.size and _means_another_root(answer, head.size):
                    return Statement(witness.name, Says.CONTRADICTS, _OTHERS, head.size)
                known = read_size(answer.body)
            except (BankUnavailable, Unverifiable) as error:
                return Statement(witness.name, Says.UNANSWERED, error.detail, head.size)
        return Statement(witness.name, Says.UNANSWERED, "It tells another size again and again.", head.size)

    def _sent(self, witness: Witness, request: AddCheckpoint, deadline: Deadline) -> Answer:
        url, breaker = f"{witness.url}/add-checkpoint", f"witness {witness.name}"
        left = deadline.remaining()
        return self.http.send("POST", url, _TYPE, request.dump(), breaker=breaker, deadline_s=left)

    def _prepared(
        self, witness: Witness, log: str, known: int | None, shown: Head | None
    ) -> tuple[Head, int, tuple[bytes, ...]]:
        """Return our head, the size that the witness is thought to have cosigned, and the proof from there to here."""
        try:
            with self.database.read() as session:
                head = _head(session, log)
                old = last_size(session, log, witness.name) if known is None else known
                if shown is not None and old <= shown.size <= head.size:
                    head = shown
                proof = consistency_proof(nodes_of(session, log), old, head.size) if old <= head.size else ()
        except Unverifiable as error:
            raise StorageUnavailable("What is stored of the log is no tree.") from error
        return head, old, tuple(proof)

    def _note(self, head: Head) -> bytes:
        checkpoint = Checkpoint(head.origin, head.size, head.root)
        # Of a log without an entry no note is kept; that there is nothing yet is a statement too, and is signed here.
        note = head.note or sign_checkpoint(checkpoint, self.keys.signers(head.origin))
        if parse_note(note).text != checkpoint.text():
            raise StorageUnavailable("What is stored of the log is not what was signed.")
        return note


def _head(session: Session, log: str) -> Head:
    try:
        return head_of(session, log)
    except NotFound:
        return Head(log, 0, EMPTY_ROOT, b"", is_current=False)


def _means_another_root(conflict: Answer, size: int) -> bool:
    """Say whether a 409 to a request from our own size on says that the witness has another root of that size.

    It tells that size again, or none at all. C2SP tlog-witness asks for 422 there; not every witness answers so.
    """
    try:
        return read_size(conflict.body) == size
    except Unverifiable:
        return conflict.headers.get("content-type", "").partition(";")[0].strip().lower() != SIZE_TYPE


def _understood(witness: Witness, request: AddCheckpoint, head: Head, answer: Answer) -> Statement:
    if answer.status == INCONSISTENT:
        return Statement(witness.name, Says.CONTRADICTS, _OTHERS, head.size)
    if answer.status != COSIGNED:
        return Statement(witness.name, Says.UNANSWERED, f"It answers {answer.status}.", head.size)
    (verified,) = open_answer(request.note, answer.body, [witness.verifier]).verified
    checkpoint = Checkpoint(head.origin, head.size, head.root)
    line = verified.signature.line
    return Statement(witness.name, Says.CONSISTENT, "It cosigned.", head.size, checkpoint, request.note, line)
