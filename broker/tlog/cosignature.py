"""Cosignatures: a witness says when it saw a checkpoint as the log's largest (C2SP tlog-cosignature, Ed25519)."""

import struct
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from broker.tlog import keys
from broker.tlog.checkpoint import parse_checkpoint
from broker.tlog.encoding import LARGEST_NUMBER
from broker.tlog.errors import Unverifiable
from broker.tlog.note import Signature, is_signed, public_key_of

_TIME = struct.Struct(">Q")
_SIGNATURE_BYTES = _TIME.size + 64


@dataclass(frozen=True, slots=True)
class CosignatureVerifier:
    """Verifies the cosignatures of one witness (type 0x04)."""

    name: str
    public_key: bytes
    key_id: bytes = field(init=False)
    _key: Ed25519PublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        keys.check_name(self.name)
        object.__setattr__(self, "key_id", keys.key_id(self.name, keys.TIMESTAMPED_ED25519, self.public_key))
        object.__setattr__(self, "_key", public_key_of(self.public_key))

    @classmethod
    def of_vkey(cls, text: str) -> "CosignatureVerifier":
        """Read a verifier key.

        Raises:
            Unverifiable: it is malformed or not an Ed25519 key for cosignatures.
        """
        return cls(*keys.read_vkey(text, keys.TIMESTAMPED_ED25519))

    @property
    def vkey(self) -> str:
        """Return the verifier key that others are given."""
        return keys.vkey(self.name, keys.TIMESTAMPED_ED25519, self.public_key)

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Tell whether this witness has cosigned the text at the time that stands in the signature."""
        if len(signature) != _SIGNATURE_BYTES or not 0 < self.time_of(signature) <= LARGEST_NUMBER:
            return False
        return is_signed(self._key, _message(text, self.time_of(signature)), signature[_TIME.size :])

    def time_of(self, signature: bytes) -> int:
        """Return when the cosignature was made, in seconds since 1970.

        Raises:
            Unverifiable: it is none.
        """
        if len(signature) != _SIGNATURE_BYTES:
            raise Unverifiable("signature-invalid", f"A cosignature has {_SIGNATURE_BYTES} bytes.")
        return int(_TIME.unpack_from(signature)[0])


class Cosigner:
    """Cosigns checkpoints with a witness's own Ed25519 key, which signs nothing else."""

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        """Raises Unverifiable when a key may not have this name."""
        self.verifier = CosignatureVerifier(name, key.public_key().public_bytes_raw())
        self._key = key

    @property
    def name(self) -> str:
        """Return the name that stands in the signature line."""
        return self.verifier.name

    @property
    def key_id(self) -> bytes:
        """Return the four bytes that tell which key has signed."""
        return self.verifier.key_id

    @property
    def vkey(self) -> str:
        """Return the verifier key that others are given."""
        return self.verifier.vkey

    def cosign(self, checkpoint_text: bytes, time_s: int) -> bytes:
        """Return one signature line with its newline; `time_s` is now, in seconds since 1970.

        Raises:
            Unverifiable: the text is no checkpoint, or the time is out of range.
        """
        parse_checkpoint(checkpoint_text)
        if not 0 < time_s <= LARGEST_NUMBER:
            raise Unverifiable("time-out-of-range", "A cosignature needs a time after 1970.")
        made = self._key.sign(_message(checkpoint_text, time_s))
        return Signature(self.name, self.key_id, _TIME.pack(time_s) + made).line


def _message(text: bytes, time_s: int) -> bytes:
    return b"cosignature/v1\ntime %d\n" % time_s + text
