"""What a log says that was opened in place of a contradicted one: which head it left, which one a witness had seen."""

import binascii
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

from broker.audit.verification.faults import Fault, Unreadable
from broker.audit.verification.leaves import Fields
from broker.tlog.checkpoint import Checkpoint
from broker.tlog.errors import Unverifiable


@dataclass(frozen=True, slots=True)
class Recovered:
    """The end of the log that was left (`abandoned`), and the last head of it that `witness` had signed."""

    abandoned: Checkpoint
    witnessed: Checkpoint
    witness: str

    @classmethod
    def stated_in(cls, fields: Fields) -> "Recovered":
        """Read the first entry of such a log.

        Raises:
            Fault: it does not say this, or not of one log.
        """
        abandoned, witnessed = _head_of(fields.get("abandoned")), _head_of(fields.get("witnessed"))
        witness = fields["witnessed"].get("witness")
        if (
            type(witness) is not str
            or abandoned.origin != witnessed.origin
            or _stem(abandoned.origin) != _stem(fields["log"])
        ):
            raise Fault("leaf-malformed", "does not name the log before, in whose place it stands, and its witness")
        return cls(abandoned, witnessed, witness)

    @property
    def lost(self) -> int | None:
        """Return how many witnessed entries are certainly lost; None when the two heads are of different histories."""
        return self.witnessed.size - self.abandoned.size if self.witnessed.size > self.abandoned.size else None

    def check(self, former: Checkpoint, log: str, *, is_end: bool) -> None:
        """Compare with a checkpoint of the log before; `is_end` when nothing stands behind it where it comes from.

        Raises:
            Fault: this log says something else of the one before.
            Unreadable: it says nothing of a head of this size.
        """
        heads = [self.abandoned] if is_end else [self.abandoned, self.witnessed]
        if any((head.origin, head.size, head.root) == (former.origin, former.size, former.root) for head in heads):
            return
        if is_end or former.origin != self.abandoned.origin or former.size in {head.size for head in heads}:
            detail = "does not state the head of the log before it, in whose place it stands"
            raise Fault("former-log-wrong", detail, log=log, number=0)
        raise Unreadable(
            f"{log} stands in place of a log that was recovered. It names the heads of {self.abandoned.size} and "
            f"{self.witnessed.size} entries; one of {former.size} can be compared with neither."
        )

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "abandoned": _as_json(self.abandoned),
            "witnessed": _as_json(self.witnessed),
            "witness": self.witness,
            "lost": self.lost,
        }


def _head_of(stated: Any) -> Checkpoint:
    malformed = Fault("leaf-malformed", "opens the log without naming the heads of the one before")
    if type(stated) is not dict:
        raise malformed
    origin, size, root = (stated.get(name) for name in ("origin", "size", "root"))
    if type(origin) is not str or type(size) is not int or type(root) is not str:
        raise malformed
    try:
        return Checkpoint(origin, size, b64decode(root, validate=True))
    except (binascii.Error, ValueError, Unverifiable) as error:
        raise malformed from error


def _stem(log: str) -> str:
    return log.rpartition("/")[0]


def _as_json(head: Checkpoint) -> dict[str, Any]:
    return {"origin": head.origin, "size": head.size, "root": b64encode(head.root).decode()}
