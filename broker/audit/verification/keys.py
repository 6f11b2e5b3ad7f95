"""Which keys of a log must sign: what its entries say of them, held against who has signed the checkpoint.

A key that was retired may be stolen later. It counts for nothing beyond the entry that says so.
"""

import binascii
from base64 import b64decode
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from broker.audit.verification.faults import Fault

_KEY_BYTES = 32
_MOST_KEYS = 8


@dataclass(slots=True)
class KeysInUse:
    """The public keys that the newest `keys.rotated` entry names; None before there is one: nothing is known."""

    named: frozenset[bytes] | None = None
    _gone: set[bytes] = field(default_factory=set)

    def change(self, stated: Any) -> None:
        """Take note of what an entry says.

        Raises:
            Fault: it names no keys, or one that an earlier entry has retired.
        """
        now = _keys_of(stated)
        if now & self._gone:
            raise Fault("key-retired", "brings a key back that an earlier entry has retired")
        self._gone |= (self.named or frozenset()) - now
        self.named = now

    def check(self, signed_by: Collection[bytes], log: str) -> None:
        """Check that a checkpoint over these entries is signed by a key that is in use.

        Raises:
            Fault: only others have signed it.
        """
        if self.named is not None and self.named.isdisjoint(signed_by):
            detail = "The checkpoint is signed only by keys that the log's own entries say are not in use any more."
            raise Fault("key-retired", detail, log=log)


def _keys_of(stated: Any) -> frozenset[bytes]:
    malformed = Fault("leaf-malformed", "names no keys of the log")
    if type(stated) is not list or not 0 < len(stated) <= _MOST_KEYS or not all(type(one) is str for one in stated):
        raise malformed
    try:
        keys = frozenset(b64decode(one, validate=True) for one in stated)
    except (binascii.Error, ValueError) as error:
        raise malformed from error
    if any(len(key) != _KEY_BYTES for key in keys):
        raise malformed
    return keys
