"""Where the stored bytes of a log come from: by the paths of C2SP tlog-tiles, whatever stands behind them."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from broker.audit.verification.faults import Unreadable

Read = Callable[[str], bytes]
"""Returns what a log serves at a path such as `checkpoint` or `tile/entries/000.p/7`; raises `Missing`."""
CHECKPOINT = "checkpoint"
LARGEST_FILE = 256 * (65_535 + 2)
"""Bytes of the largest thing that a log serves: a full bundle of the largest entries."""


class Missing(Exception):
    """The log does not have this path. `path` is the path."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def mirror_at(folder: Path) -> Read:
    """Return the reader of a folder that is laid out as the log serves itself."""

    def read(path: str) -> bytes:
        try:
            return read_bounded(folder / path, LARGEST_FILE)
        except FileNotFoundError as error:
            raise Missing(path) from error

    return read


def read_bounded(path: Path, most: int) -> bytes:
    """Read a file of at most so many bytes.

    Raises:
        Unreadable: it cannot be read, or is larger.
        FileNotFoundError: there is none.
    """
    try:
        with path.open("rb") as file:
            # Room for `most` bytes at each bundle would cost as much time as hashing it; only a pipe tells no size.
            size = os.fstat(file.fileno()).st_size or most
            content = file.read(min(size, most) + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}.") from error
    if len(content) > most:
        raise Unreadable(f"{path} is larger than {most} bytes.")
    return content


def replaced(path: Path, content: bytes) -> None:
    """Put a file in place whole and durably, instead of what is there."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
