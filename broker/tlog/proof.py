"""Proofs that stand for themselves: an index, an inclusion proof and the checkpoint it leads to (C2SP tlog-proof)."""

import base64
from dataclasses import dataclass

from broker.tlog.encoding import read_base64, read_decimal, read_text
from broker.tlog.errors import Unverifiable
from broker.tlog.merkle import HASH_BYTES, MOST_HASHES

LARGEST_PROOF = 64 * 1024  # bytes
_CODE = "proof-malformed"
_FIRST_LINE = b"c2sp.org/tlog-proof@v1"
_EXTRA = b"extra "
_INDEX = b"index "


@dataclass(frozen=True, slots=True)
class TlogProof:
    """An inclusion proof of leaf `index`, its sibling first; `checkpoint` is a signed note; `extra` is opaque.

    Nothing here is verified, and `extra` is covered by no signature.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes = b""

    def dump(self) -> bytes:
        """Write it down."""
        lines = [_FIRST_LINE]
        if self.extra:
            lines.append(_EXTRA + base64.b64encode(self.extra))
        lines += [_INDEX + b"%d" % self.index, *map(base64.b64encode, self.hashes)]
        return b"\n".join(lines) + b"\n\n" + self.checkpoint


def parse_proof(data: bytes) -> TlogProof:
    """Read a proof; its checkpoint is taken as it stands and not opened.

    Raises:
        Unverifiable: it is longer than 64 KiB, or not exactly of the form that the page asks for.
    """
    read_text(data, limit=LARGEST_PROOF, code=_CODE, what="The proof")
    head, gap, checkpoint = data.partition(b"\n\n")
    if not gap or not checkpoint:
        raise Unverifiable(_CODE, "The proof has no empty line followed by a checkpoint.")
    lines = head.split(b"\n")
    if lines.pop(0) != _FIRST_LINE:
        raise Unverifiable(_CODE, "The first line is not that of a tlog-proof of version 1.")
    extra = b""
    if lines and lines[0].startswith(_EXTRA):
        extra = read_base64(lines.pop(0).removeprefix(_EXTRA), code=_CODE, what="The extra data")
    if not lines or not lines[0].startswith(_INDEX):
        raise Unverifiable(_CODE, "The line with the index is missing.")
    index = read_decimal(lines.pop(0).removeprefix(_INDEX), code=_CODE, what="The index")
    return TlogProof(index, read_hashes(lines, code=_CODE), checkpoint, extra)


def read_hashes(lines: list[bytes], *, code: str) -> tuple[bytes, ...]:
    """Read the lines of a proof: at most 63, each the base64 of 32 bytes.

    Raises:
        Unverifiable: there are more, or one is something else.
    """
    if len(lines) > MOST_HASHES:
        raise Unverifiable(code, f"The proof has more than {MOST_HASHES} hashes.")
    hashes = tuple(read_base64(line, code=code, what=f"Hash {at} of the proof") for at, line in enumerate(lines, 1))
    if any(len(found) != HASH_BYTES for found in hashes):
        raise Unverifiable(code, f"A hash of the proof has not {HASH_BYTES} bytes.")
    return hashes
