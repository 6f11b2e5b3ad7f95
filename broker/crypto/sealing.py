"""Seals what must rest in the database but not be readable there (AES-256-GCM)."""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from broker.errors import ConfigurationInvalid

_NONCE_BYTES = 12
_VERSION = b"\x01"


class Sealer:
    """Seals and opens small secrets with one 256-bit key. Each text is bound to its `context` (table and row)."""

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def seal(self, plain: bytes, context: str) -> bytes:
        """Encrypt `plain` so that it opens only under the same context."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _VERSION + nonce + self._aead.encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt what `seal` made under the same context.

        Raises:
            ConfigurationInvalid: another key, another context or altered bytes; the data cannot be read.
        """
        if sealed[:1] != _VERSION or len(sealed) <= 1 + _NONCE_BYTES:
            raise ConfigurationInvalid("A sealed value is cut off or has an unknown version.")
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return self._aead.decrypt(nonce, body, context.encode())
        except InvalidTag as error:
            raise ConfigurationInvalid("A sealed value does not open with the key file in use.") from error
