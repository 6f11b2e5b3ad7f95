"""Opens signed checkpoints with the keys that the verifier trusts, and says which witnesses have signed them."""

from collections.abc import Sequence
from dataclasses import dataclass

from broker.audit.verification.faults import Fault, found_in
from broker.tlog.checkpoint import Checkpoint, open_cosigned
from broker.tlog.cosignature import CosignatureVerifier
from broker.tlog.note import Ed25519Verifier, Verifier
from broker.tlog.receipt import Cosigned, cosigners_of


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom the verifier believes: the log's keys, the witnesses, and how many of these must have signed."""

    keys: tuple[Ed25519Verifier, ...]
    witnesses: tuple[CosignatureVerifier, ...] = ()
    quorum: int = 0

    @classmethod
    def of(cls, keys: Sequence[str], witnesses: Sequence[str] = (), quorum: int | None = None) -> "Trust":
        """Read verifier keys as C2SP signed-note writes them; the quorum is all the witnesses when none is named.

        Raises:
            Unverifiable: a text is no such key.
        """
        known = tuple(CosignatureVerifier.of_vkey(key) for key in witnesses)
        return cls(tuple(Ed25519Verifier.of_vkey(key) for key in keys), known, len(known) if quorum is None else quorum)

    @property
    def verifiers(self) -> tuple[Verifier, ...]:
        """Return all of them."""
        return (*self.keys, *self.witnesses)

    @property
    def without_quorum(self) -> "Trust":
        """Return the same keys for what no witness has seen yet, such as a receipt."""
        return Trust(self.keys, self.witnesses)


@dataclass(frozen=True, slots=True)
class Head:
    """A checkpoint that is believed, the note it stands in, and the witnesses that have signed it, with their times.

    `signed_by` are the keys of the log that have signed it, 32 bytes each.
    """

    checkpoint: Checkpoint
    note: bytes
    cosigned: tuple[Cosigned, ...] = ()
    signed_by: frozenset[bytes] = frozenset()

    @property
    def seen_at_s(self) -> int | None:
        """Return when the first witness saw it (seconds since 1970), None when none did."""
        return min((one.time_s for one in self.cosigned), default=None)


def opened(note: bytes, trust: Trust, origin: str | None = None) -> Head:
    """Open a signed checkpoint.

    Raises:
        Fault: it is malformed, not signed by the log's key, of another log, or seen by too few witnesses.
    """
    with found_in(origin or ""):
        checkpoint, signed = open_cosigned(note, trust.verifiers, origin)
    cosigned = cosigners_of(signed)
    if len({one.name for one in cosigned}) < trust.quorum:
        detail = f"{len(cosigned)} of the witnesses have signed the checkpoint; {trust.quorum} are wanted."
        raise Fault("quorum-missed", detail, log=checkpoint.origin)
    own = [one.verifier for one in signed.verified if one.name == checkpoint.origin]
    signed_by = frozenset(one.public_key for one in own if isinstance(one, Ed25519Verifier))
    return Head(checkpoint, note, cosigned, signed_by)
