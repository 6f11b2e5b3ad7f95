"""Makes and knows the nonces of DPoP proofs without storing any (RFC 9449 §8, §9).

Trusted: nobody without the key file can tell a nonce before it is given out. All processes with the same key file know
each other's nonces. A nonce of the authorization server is none of the API, and the other way round.
"""

import hmac
from datetime import datetime
from typing import Literal, TypeAlias

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from broker.crypto.digests import base64url

Audience: TypeAlias = Literal["as", "rs"]
"""Whose nonce it is: the authorization server's or the resource server's."""

WINDOW_S = 120
"""Seconds for which everybody is given the same nonce. It is known for one window more, hence for 2 to 4 minutes."""

_KEY_BYTES, _NONCE_BYTES = 32, 18


class Nonces:
    """The nonces of one audience: one value for each window of time."""

    def __init__(self, secret: bytes, audience: Audience) -> None:
        derivation = HKDF(SHA256(), _KEY_BYTES, salt=None, info=f"dpop-nonce/{audience}".encode())
        self._key = derivation.derive(secret)

    def current(self, now: datetime) -> str:
        """Return the nonce that is given out now."""
        return self._of(_window(now))

    def knows(self, nonce: str, now: datetime) -> bool:
        """Say whether a nonce is of this window or of a neighbour: the next, because machines' clocks differ."""
        sent = nonce.encode("utf-8", "surrogatepass")
        window = _window(now)
        near = [self._of(number).encode() for number in (window - 1, window, window + 1)]
        return any([hmac.compare_digest(sent, one) for one in near])  # noqa: C419 - all are compared, whichever fits

    def _of(self, window: int) -> str:
        return base64url(hmac.digest(self._key, str(window).encode(), "sha256")[:_NONCE_BYTES])


def _window(now: datetime) -> int:
    return int(now.timestamp()) // WINDOW_S
