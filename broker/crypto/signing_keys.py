"""Changes the keys that sign for clients, in the key file, and follows the file: nobody has to restart anything.

The next key is published at once and signs later, and the old one stays published until it is retired: a client that
asks for the keys when it meets an unknown one, or once in a quarter of an hour, never fails to verify.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from broker.crypto.key_file import write
from broker.crypto.keyset import load_keyset
from broker.crypto.signing import SigningKeys, new_signing_key
from broker.errors import ConfigurationInvalid

AHEAD = timedelta(minutes=15)
"""How long a key is published before it signs, and how long the old one stays when it signs no more.

Longer than a client may keep our key set (five minutes) and than anything lives that is signed.
"""


class SigningKeyFile:
    """The signing keys as they stand in the key file at this instant."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = (self._mark(), load_keyset(path).signing)

    def present(self) -> SigningKeys:
        """Return the keys, read again when the file has been replaced; those known before while it cannot be read."""
        # `/readyz` says when it cannot; until that is mended, the keys that clients know go on signing.
        with suppress(OSError, ConfigurationInvalid):
            mark = self._mark()
            if mark != self._known[0]:
                self._known = (mark, load_keyset(self._path).signing)
        return self._known[1]

    def _mark(self) -> tuple[int, int, int]:
        found = self._path.stat()
        return found.st_ino, found.st_mtime_ns, found.st_size


def begin_next(path: Path, now: datetime) -> datetime:
    """Publish a new key and return the instant from which on it signs.

    Raises:
        ConfigurationInvalid: the key file cannot be read or written, or another rotation is under way.
    """
    present = load_keyset(path).signing.keys
    if len(present) != 1:
        raise _rotating("A rotation of the signing key is under way: end it first with `broker keys signing-retire`.")
    fresh = new_signing_key((now + AHEAD).replace(microsecond=0))  # the file knows whole seconds
    write(path, {"signing": [key.to_json() for key in (fresh, *present)]})
    return fresh.signs_from


def end_last(path: Path, now: datetime) -> None:
    """Drop the older of two keys, once nothing that it signed can be on its way any more.

    Raises:
        ConfigurationInvalid: the key file cannot be read or written, there is one key alone, or it is too early.
    """
    present = load_keyset(path).signing.keys
    if len(present) == 1:
        raise _rotating("Only one signing key is in use: there is none to retire.")
    due = present[0].signs_from + AHEAD
    if now < due:
        raise _rotating(f"The old signing key is needed until {due:%Y-%m-%d %H:%M:%S} UTC: try again then.")
    write(path, {"signing": [present[0].to_json()]})


def _rotating(problem: str) -> ConfigurationInvalid:
    return ConfigurationInvalid(problem, code="keys-rotating")
