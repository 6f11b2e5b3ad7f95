"""Ids that mean something to one platform only: two platforms never see the same id for one person or account."""

import hashlib
import hmac

from broker.crypto.digests import base64url

_ID_BYTES = 16


class PairwiseIds:
    """Derives opaque ids with one key that is never rotated: rotating it would rename every account."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, kind: str, platform_id: str, *names: str) -> str:
        """Return the id of something (`account`, `subject`, `transaction`) for one platform, 22 characters."""
        total = hmac.new(self._key, digestmod=hashlib.sha256)
        for part in (kind, platform_id, *names):
            data = part.encode()
            total.update(len(data).to_bytes(4, "big"))
            total.update(data)
        return base64url(total.digest()[:_ID_BYTES])
