"""Changes parts of the key file in one step: whoever reads it finds all keys, before or after."""

import json
import os
import stat
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from broker.crypto.keyset import load_keyset, new_log_key
from broker.crypto.signing import new_signing_key
from broker.errors import ConfigurationInvalid


def add_missing(path: Path, now: datetime) -> bool:
    """Give a key file of an earlier version the keys that it has not; say whether it needed any.

    Raises:
        ConfigurationInvalid: the key file cannot be read or written.
    """
    content = read(path)
    missing: dict[str, Any] = {}
    if not content.get("log"):
        missing["log"] = [new_log_key()]
    if not content.get("signing"):
        missing["signing"] = [new_signing_key(now).to_json()]
    if missing:
        write(path, missing)
    return bool(missing)


def read(path: Path) -> dict[str, Any]:
    """Return what stands in the key file, unjudged.

    Raises:
        ConfigurationInvalid: it cannot be read.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _unreadable(path) from error
    if not isinstance(content, dict):
        raise _unreadable(path)
    return content


def write(path: Path, changed: Mapping[str, Any]) -> None:
    """Replace these members of the key file; a file that could not be loaded afterwards is not put in place.

    Raises:
        ConfigurationInvalid: the key file cannot be read or written, or would be none.
    """
    fresh = path.with_name(f".{path.name}.new")
    content = {**read(path), **changed}
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, stat.S_IRUSR | stat.S_IWUSR)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        load_keyset(fresh)
        fresh.replace(path)
    except OSError as error:
        raise ConfigurationInvalid(f"The key file {path} cannot be written: {error.strerror}.") from error


def _unreadable(path: Path) -> ConfigurationInvalid:
    return ConfigurationInvalid(f"The key file {path} cannot be read.", code="keys-unusable")
