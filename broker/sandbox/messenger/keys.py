"""Messenger's own secrets: one for cookies, one that seals what it stores, one that proves possession of tokens.

Trusted: whoever can read the key file can read the stored tokens and act with them.
"""

import json
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from jwskate import Jwk

from .config import ConfigError

KEY_BYTES = 32
NONCE_BYTES = 12
OTHERS_MAY_ACCESS = 0o077


class SealBrokenError(Exception):
    """A sealed value was altered, moved to another row, or sealed with another key."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The three secrets of this installation."""

    cookie: bytes = field(repr=False)
    seal: bytes = field(repr=False)
    dpop: Mapping[str, Any] = field(repr=False)


class Seal:
    """Seal values with AES-256-GCM, each bound to the row it belongs to."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def close(self, value: str, place: str) -> bytes:
        """Seal a text for one place, such as a row and column."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, value.encode(), place.encode())

    def open(self, sealed: bytes, place: str) -> str:
        """Open what was sealed for this place.

        Raises:
            SealBrokenError: the value is not what was sealed there.

        """
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise SealBrokenError(place) from error


def load_or_create(path: Path) -> Keys:
    """Read the key file, or make a new one that only its owner may read.

    Raises:
        ConfigError: the file cannot be read or written, is damaged, or is open to others.

    """
    try:
        if not path.exists():
            _create(path)
        if path.stat().st_mode & OTHERS_MAY_ACCESS:
            raise ConfigError(f"{path} may be read by others: run chmod 600 on it")
        raw = json.loads(path.read_text("utf-8"))
        keys = Keys(urlsafe_b64decode(raw["cookie"]), urlsafe_b64decode(raw["seal"]), raw["dpop"])
        usable = len(keys.cookie) == KEY_BYTES and len(keys.seal) == KEY_BYTES and Jwk(keys.dpop).is_private
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"cannot use the key file {path} ({type(error).__name__})") from error
    if not usable:
        raise ConfigError(f"the key file {path} is damaged")
    return keys


def _create(path: Path) -> None:
    content = {
        "cookie": urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode(),
        "seal": urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode(),
        "dpop": Jwk.generate(alg="ES256").to_dict(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    half_written = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(half_written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file)
    # A name that appears only when the file is whole: a crash half way leaves no damaged key file behind.
    half_written.rename(path)
