"""Checkpoints: what a log signs about the whole of itself (C2SP tlog-checkpoint).

Trusted: a log's key can sign two trees of the same size. What shows it are receipts and witnesses who compare.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from broker.tlog.encoding import LARGEST_NUMBER, read_base64, read_decimal, read_text
from broker.tlog.errors import Unverifiable
from broker.tlog.merkle import HASH_BYTES
from broker.tlog.note import LARGEST_NOTE, Ed25519Verifier, Opened, Signer, Verifier, open_note, sign_note

_CODE = "checkpoint-malformed"
_FEWEST_LINES = 3


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The tree of the log `origin` when it had `size` leaves; `root` has 32 bytes."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if any(not line or "\n" in line for line in (self.origin, *self.extensions)):
            raise Unverifiable(_CODE, "The origin and each extension of a checkpoint are one line and not empty.")
        if not 0 <= self.size <= LARGEST_NUMBER:
            raise Unverifiable(_CODE, "The size of a checkpoint is out of range.")
        if len(self.root) != HASH_BYTES:
            raise Unverifiable(_CODE, "The root of a checkpoint has not 32 bytes.")

    def text(self) -> bytes:
        """Return the text that is signed."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return ("\n".join(lines) + "\n").encode()


def parse_checkpoint(text: bytes) -> Checkpoint:
    """Read the text of a checkpoint's note.

    Raises:
        Unverifiable: it is not exactly of the form that the page asks for.
    """
    lines = read_text(text, limit=LARGEST_NOTE, code=_CODE, what="The checkpoint").split("\n")
    if lines.pop() or len(lines) < _FEWEST_LINES:
        raise Unverifiable(_CODE, "A checkpoint has three lines or more, each with its newline.")
    origin, size, root, *extensions = lines
    return Checkpoint(
        origin,
        read_decimal(size.encode(), code=_CODE, what="The size of the checkpoint"),
        read_base64(root.encode(), code=_CODE, what="The root of the checkpoint"),
        tuple(extensions),
    )


def sign_checkpoint(checkpoint: Checkpoint, signers: Iterable[Signer]) -> bytes:
    """Return the checkpoint as a signed note.

    Raises:
        Unverifiable: the origin holds a control character, or nobody signs.
    """
    return sign_note(checkpoint.text(), signers)


def open_checkpoint(data: bytes, verifiers: Iterable[Verifier], origin: str | None = None) -> Checkpoint:
    """Verify a checkpoint: one of the trusted keys that signed it must be the log's own, named like its origin.

    Raises:
        Unverifiable: the note does not verify, is no checkpoint, or is none of this origin by its own key.
    """
    return open_cosigned(data, verifiers, origin)[0]


def open_cosigned(data: bytes, verifiers: Iterable[Verifier], origin: str | None = None) -> tuple[Checkpoint, Opened]:
    """Verify a checkpoint as `open_checkpoint` does, and tell which trusted keys have signed it.

    Raises:
        Unverifiable: as `open_checkpoint`.
    """
    opened = open_note(data, verifiers)
    checkpoint = parse_checkpoint(opened.text)
    if origin is not None and checkpoint.origin != origin:
        raise Unverifiable("origin-unexpected", "The checkpoint is another log's.")
    # A witness named like the log does not speak for it: only the log's own kind of signature counts.
    if not any(isinstance(v.verifier, Ed25519Verifier) and v.name == checkpoint.origin for v in opened.verified):
        raise Unverifiable("signature-missing", "No trusted key of the log itself has signed this checkpoint.")
    return checkpoint, opened
