"""The witness protocol without its transport: requests, and what a witness answers to them (C2SP tlog-witness).

Trusted: a witness cosigns a log's checkpoint only when it continues the last one it cosigned. The caller must keep the
new head durably, in one step with comparing the old one, before it hands out the cosignature.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from broker.tlog.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from broker.tlog.encoding import read_decimal, read_text
from broker.tlog.errors import Unverifiable
from broker.tlog.merkle import EMPTY_ROOT, verify_consistency
from broker.tlog.note import LARGEST_NOTE, Opened, Verifier, open_note, parse_note
from broker.tlog.proof import read_hashes

LARGEST_REQUEST = LARGEST_NOTE + 4096  # bytes: a note, and 64 lines of at most 45
LARGEST_ANSWER = LARGEST_NOTE  # bytes
SIZE_TYPE = "text/x.tlog.size"
COSIGNED, MALFORMED, UNTRUSTED, UNKNOWN, CONFLICT, INCONSISTENT = 200, 400, 403, 404, 409, 422

_CODE = "request-malformed"
_OLD = b"old "


class Head(NamedTuple):
    """The latest tree of a log that a witness has cosigned."""

    size: int
    root: bytes


NOTHING = Head(0, EMPTY_ROOT)


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A request to cosign: a checkpoint's note and the proof that it continues the tree of `old_size` leaves."""

    old_size: int
    proof: tuple[bytes, ...]
    note: bytes

    @property
    def origin(self) -> str:
        """Return the log that the request speaks of; unverified, good for looking up that log's keys and head.

        Raises:
            Unverifiable: the note is malformed or no checkpoint.
        """
        return parse_checkpoint(parse_note(self.note).text).origin

    def dump(self) -> bytes:
        """Write the body of the request."""
        lines = [_OLD + b"%d" % self.old_size, *map(base64.b64encode, self.proof)]
        return b"\n".join(lines) + b"\n\n" + self.note


class Verdict(NamedTuple):
    """What a witness answers: the HTTP status and why.

    `head` is the head to keep (200), else the one that it has; `checkpoint` is set when it may be cosigned.
    """

    status: int
    head: Head
    reason: str
    checkpoint: Checkpoint | None = None


def parse_add_checkpoint(data: bytes) -> AddCheckpoint:
    """Read the body of a request; its checkpoint is well formed, and nothing is verified.

    Raises:
        Unverifiable: it is too long, has more than 63 proof lines, or not exactly the form that the page asks for.
    """
    read_text(data, limit=LARGEST_REQUEST, code=_CODE, what="The request")
    head, gap, note = data.partition(b"\n\n")
    if not gap:
        raise Unverifiable(_CODE, "The request has no empty line before the checkpoint.")
    first, *lines = head.split(b"\n")
    if not first.startswith(_OLD):
        raise Unverifiable(_CODE, "The request does not begin with the old size.")
    old_size = read_decimal(first.removeprefix(_OLD), code=_CODE, what="The old size")
    request = AddCheckpoint(old_size, read_hashes(lines, code=_CODE), note)
    parse_checkpoint(parse_note(note).text)
    return request


def judge(request: AddCheckpoint, verifiers: Sequence[Verifier], latest: Head | None) -> Verdict:
    """Decide about a request; `verifiers` are the trusted keys of its origin (none: the log is unknown).

    `latest` is the last head that was cosigned for this origin, or None.
    """
    held = latest or NOTHING
    status = MALFORMED  # what the next refusal would be
    try:
        origin = request.origin
        if not verifiers:
            return Verdict(UNKNOWN, held, "This witness does not know the log.")
        status = UNTRUSTED
        checkpoint = open_checkpoint(request.note, verifiers, origin)
        status = MALFORMED
        _check_order(request, checkpoint)
        if request.old_size != held.size:
            return Verdict(CONFLICT, held, f"The last checkpoint cosigned here has size {held.size}.")
        status = INCONSISTENT
        _check_growth(request, checkpoint, held)
    except Unverifiable as error:
        return Verdict(status, held, error.detail)
    return Verdict(COSIGNED, Head(checkpoint.size, checkpoint.root), "The checkpoint continues the log.", checkpoint)


def checkpoint_path(origin: str) -> str:
    """Return where below its prefix a witness shows a log's last cosigned checkpoint (monitor retrieval)."""
    return f"{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint"


def open_answer(checkpoint_note: bytes, answer: bytes, verifiers: Iterable[Verifier]) -> Opened:
    """Verify a witness's answer for the checkpoint it was asked about; signatures of other keys are ignored.

    Raises:
        Unverifiable: the answer is malformed, or holds no good cosignature of a trusted witness.
    """
    return open_note(parse_note(checkpoint_note).text + b"\n" + answer, verifiers)


def read_size(answer: bytes) -> int:
    """Read the body of a 409: the size of the last checkpoint that the witness cosigned.

    Raises:
        Unverifiable: it is not one decimal and a newline.
    """
    digits, end, rest = answer.partition(b"\n")
    if not end or rest:
        raise Unverifiable("answer-malformed", "The witness did not tell a size and a newline.")
    return read_decimal(digits, code="answer-malformed", what="The size that the witness told")


def _check_order(request: AddCheckpoint, checkpoint: Checkpoint) -> None:
    if request.old_size > checkpoint.size:
        raise Unverifiable(_CODE, "The old size is larger than the checkpoint's.")


def _check_growth(request: AddCheckpoint, checkpoint: Checkpoint, held: Head) -> None:
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise Unverifiable("consistency-unproven", "The root of an empty tree is the hash of nothing.")
    if held.size == 0:
        if request.proof:
            raise Unverifiable("consistency-unproven", "Nothing can be proved of an empty tree.")
        return
    verify_consistency(
        old_size=held.size,
        old_root=held.root,
        new_size=checkpoint.size,
        new_root=checkpoint.root,
        proof=request.proof,
    )
