"""The signers of the logs: each log signs under its own name (its origin), all with the broker's log keys."""

from collections.abc import Sequence
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.tlog.note import Ed25519Verifier, Signer


class LogKeys:
    """Makes signers and verifiers for any log. The newest key comes first; during a rotation two sign.

    `retired` are public keys (32 bytes each) that sign no more: what they signed still verifies.
    """

    def __init__(self, keys: Sequence[Ed25519PrivateKey], retired: Sequence[bytes] = ()) -> None:
        self._keys = tuple(keys)
        self._retired = tuple(retired)
        self._signers: dict[str, tuple[Signer, ...]] = {}

    @cached_property
    def signing_keys(self) -> tuple[bytes, ...]:
        """Return the raw public keys (32 bytes each) of those that sign, the newest first."""
        return tuple(key.public_key().public_bytes_raw() for key in self._keys)

    @property
    def public_keys(self) -> tuple[bytes, ...]:
        """Return the raw public keys of all that sign or have signed, the newest first."""
        return self.signing_keys + self._retired

    def signers(self, origin: str) -> tuple[Signer, ...]:
        """Return who signs the checkpoints of a log (C2SP tlog-checkpoint: the key's name is the origin)."""
        if origin not in self._signers:
            self._signers[origin] = tuple(Signer(origin, key) for key in self._keys)
        return self._signers[origin]

    def vkeys(self, origin: str) -> tuple[str, ...]:
        """Return the verifier keys of those that sign, as C2SP signed-note writes them: `<origin>+<key id>+<key>`."""
        return tuple(Ed25519Verifier(origin, key).vkey for key in self.signing_keys)

    def verifiers(self, origin: str) -> tuple[Ed25519Verifier, ...]:
        """Return what checks the log's own signatures, also those of its earlier keys."""
        return tuple(Ed25519Verifier(origin, key) for key in self.public_keys)
