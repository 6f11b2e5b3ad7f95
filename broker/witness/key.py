"""The witness's name and signing key: one private file, made once, never overwritten.

Trusted: whoever reads this file can cosign in the witness's name, also what the witness has never seen.
"""

import json
import os
import stat
from base64 import b64decode, b64encode
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.errors import ConfigurationInvalid
from broker.tlog.cosignature import Cosigner
from broker.tlog.errors import Unverifiable

_VERSION = 1


def generate_key(path: Path, name: str) -> Cosigner:
    """Make a new key under a name (a URL without its scheme, C2SP tlog-cosignature) and write it for its owner alone.

    Raises:
        ConfigurationInvalid: the name cannot be used, the file exists already or cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    cosigner = _cosigner(path, name, key)
    content = {"version": _VERSION, "name": name, "ed25519": b64encode(key.private_bytes_raw()).decode()}
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ConfigurationInvalid(f"The key file {path} cannot be created: {error.strerror}.") from error
    return cosigner


def load_key(path: Path) -> Cosigner:
    """Read the key file.

    Raises:
        ConfigurationInvalid: missing, readable by others, or not a key file of this version.
    """
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigurationInvalid(f"The key file {path} is open to others: set its mode to 0600.")
        content = json.loads(path.read_text(encoding="utf-8"))
        key = Ed25519PrivateKey.from_private_bytes(b64decode(content["ed25519"], validate=True))
        name, version = content["name"], content["version"]
    except OSError as error:
        raise ConfigurationInvalid(f"The key file {path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConfigurationInvalid(f"The key file {path} is damaged or not a key file.") from error
    if version != _VERSION or not isinstance(name, str):
        raise ConfigurationInvalid(f"The key file {path} is damaged or of another version.")
    return _cosigner(path, name, key)


def _cosigner(path: Path, name: str, key: Ed25519PrivateKey) -> Cosigner:
    try:
        return Cosigner(name, key)
    except Unverifiable as error:
        raise ConfigurationInvalid(f"The witness's name in {path} cannot be used: {error.detail}") from error
