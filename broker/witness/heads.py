"""The last cosigned checkpoint of each log, one file each, replaced as a whole and durable before anybody hears of it.

Trusted: whoever can write this folder can make the witness forget a head, and then cosign a fork of that log.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from broker.tlog.checkpoint import parse_checkpoint
from broker.tlog.errors import Unverifiable
from broker.tlog.note import parse_note
from broker.tlog.witness import Head


class HeadsUnusable(Exception):
    """What is stored cannot be read or written; nothing may be cosigned."""


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of one log, held for the block that took it. `head` is None when nothing was ever cosigned."""

    folder: Path
    name: str
    head: Head | None

    def replace(self, note: bytes) -> None:
        """Put a cosigned checkpoint in the place of the former; it is durable when this returns.

        Raises:
            HeadsUnusable: it could not be stored; the former still counts.
        """
        draft = self.folder / f"{self.name}.draft"
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            with os.fdopen(descriptor, "wb") as file:
                file.write(note)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.folder / self.name)
            _sync_folder(self.folder)
        except OSError as error:
            raise HeadsUnusable from error


class Heads:
    """The heads of all logs in one folder, for every thread and process of one witness."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def prepare(self) -> None:
        """Make the folder and try that it can be written.

        Raises:
            HeadsUnusable: it cannot.
        """
        probe = self._folder / "probe.draft"
        try:
            self._folder.mkdir(mode=0o755, parents=True, exist_ok=True)
            probe.write_bytes(b"")
            probe.unlink(missing_ok=True)
            # A process that died between two steps may have left a head that only memory holds.
            _sync_folder(self._folder)
        except OSError as error:
            raise HeadsUnusable from error

    @contextmanager
    def held(self, origin: str) -> Iterator[Slot]:
        """Hold one log's place alone: the look at the old head and the writing of the new are one step (tlog-witness).

        Raises:
            HeadsUnusable: the place cannot be locked or read, or what stands there is damaged.
        """
        name = origin_hash(origin)
        with self._locked(name, fcntl.LOCK_EX):
            yield Slot(self._folder, name, _head(self._read(name), origin))

    def note(self, name: str) -> bytes | None:
        """Return the cosigned checkpoint of the log whose origin has this hash (64 hex digits), None without one.

        Raises:
            HeadsUnusable: it cannot be read.
        """
        if self._read(name) is None:
            return None  # before a lock is made: anybody may ask for any name
        # Not while it is being replaced: what is not durable yet must not be shown.
        with self._locked(name, fcntl.LOCK_SH):
            return self._read(name)

    @contextmanager
    def _locked(self, name: str, kind: int) -> Iterator[None]:
        try:
            # A file of its own: the head's file is replaced, and a lock belongs to the file that was opened.
            descriptor = os.open(self._folder / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise HeadsUnusable from error
        try:
            fcntl.flock(descriptor, kind)
            yield
        finally:
            os.close(descriptor)

    def _read(self, name: str) -> bytes | None:
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise HeadsUnusable from error


def _head(note: bytes | None, origin: str) -> Head | None:
    if note is None:
        return None
    try:
        checkpoint = parse_checkpoint(parse_note(note).text)
    except Unverifiable as error:
        # To take a damaged head for none would let the log begin anew.
        raise HeadsUnusable from error
    if checkpoint.origin != origin:
        raise HeadsUnusable
    return Head(checkpoint.size, checkpoint.root)


def origin_hash(origin: str) -> str:
    """Return the name of a log's file and address: SHA-256 of its origin in lower-case hex (C2SP tlog-witness)."""
    return hashlib.sha256(origin.encode()).hexdigest()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
