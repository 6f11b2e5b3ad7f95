"""Changes the keys that sign the audit logs, in the key file: a new one begins, the old one signs along, then ends."""

from base64 import b64encode
from pathlib import Path

from broker.crypto.key_file import write
from broker.crypto.keyset import load_keyset, new_log_key


def begin_next(path: Path) -> bool:
    """Put a new log key before the one in use; from the next start on both sign. Say whether there was but one.

    Raises:
        ConfigurationInvalid: the key file cannot be read or written.
    """
    present = load_keyset(path).log
    if len(present) != 1:
        return False
    write(path, {"log": [new_log_key(), *(_text(key.private_bytes_raw()) for key in present)]})
    return True


def end_last(path: Path) -> bool:
    """Drop the older of two log keys and keep its public half: what it signed stays valid. Say whether there were two.

    Raises:
        ConfigurationInvalid: the key file cannot be read or written.
    """
    keyset = load_keyset(path)
    if len(keyset.log) < 2:  # noqa: PLR2004 - the new one and the old one
        return False
    staying, leaving = keyset.log
    retired = (leaving.public_key().public_bytes_raw(), *keyset.retired_log)
    write(path, {"log": [_text(staying.private_bytes_raw())], "retired_log": [_text(key) for key in retired]})
    return True


def _text(key: bytes) -> str:
    return b64encode(key).decode()
