"""Changes the keys that sign the audit logs, in the key file: a new one begins, the old one signs along, then ends."""

import json
import os
import stat
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.crypto.keyset import load_keyset, new_log_key
from broker.errors import ConfigurationInvalid


def add_first(path: Path) -> bool:
    """Give a key file from before the logs were signed its first log key; say whether it needed one.

    Raises:
        ConfigurationInvalid: the key file cannot be read or written.
    """
    if _read(path):
        return False
    _write(path, {"log": [new_log_key()]})
    return True


def begin_next(path: Path) -> bool:
    """Put a new log key before the one in use; from the next start on both sign. Say whether there was but one.

    Raises:
        ConfigurationInvalid: the key file cannot be read or written.
    """
    present = _read(path)
    if len(present) != 1:
        return False
    _write(path, {"log": [new_log_key(), *present]})
    return True


def end_last(path: Path) -> bool:
    """Drop the older of two log keys and keep its public half: what it signed stays valid. Say whether there were two.

    Raises:
        ConfigurationInvalid: the key file cannot be read or written.
    """
    present = _read(path)
    if len(present) < 2:  # noqa: PLR2004 - the new one and the old one
        return False
    retired = Ed25519PrivateKey.from_private_bytes(b64decode(present[1])).public_key().public_bytes_raw()
    before = [b64encode(key).decode() for key in load_keyset(path).retired_log]
    _write(path, {"log": present[:1], "retired_log": [b64encode(retired).decode(), *before]})
    return True


def _read(path: Path) -> Sequence[str]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return list(content.get("log", []))
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise ConfigurationInvalid(f"The key file {path} cannot be read.", code="keys-unusable") from error


def _write(path: Path, changed: Mapping[str, Sequence[str]]) -> None:
    """Replace the file in one step: whoever reads it finds all keys, before or after."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        content = json.loads(path.read_text(encoding="utf-8")) | changed
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, stat.S_IRUSR | stat.S_IWUSR)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        load_keyset(fresh)
        fresh.replace(path)
    except OSError as error:
        raise ConfigurationInvalid(f"The key file {path} cannot be written: {error.strerror}.") from error
