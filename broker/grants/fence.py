"""The fence of a grant: releases hold it together, a revocation holds it alone (02-architecture, invariant 3).

A release takes it before its last look at the grant and keeps it until the transport has the bytes. So, when a
revocation has it, whatever was released before has left, and nothing more will. A process that dies drops its fences.

Trusted: whoever deletes the lock files, or ends the database sessions that hold the locks, lets bytes leave after a
revocation's answer. The log's own order does not depend on it (`grants.uses`).
"""

import hashlib
from collections.abc import Collection
from typing import Protocol

from broker.grants.advisory_fence import AdvisoryFences
from broker.grants.file_fence import FileFences
from broker.storage.engine import Database, sqlite_file

_WAIT_S = 3.0  # a hand-over is cut after one second, whatever its client does


class Held(Protocol):
    """A fence that is held; usable as a context."""

    def drop(self) -> None:
        """Let others pass; without effect when dropped before."""

    def __enter__(self) -> object: ...

    def __exit__(self, *_: object) -> None: ...


class FenceStore(Protocol):
    """Where fences are kept. `key` is any number of 63 bits; equal keys exclude each other."""

    def shared(self, key: int) -> Held: ...

    def exclusive(self, keys: Collection[int]) -> Held: ...

    def prepare(self) -> None: ...

    def close(self) -> None: ...


class Fences:
    """The fences of all things of one kind, for every process on one database.

    Kinds do not wait for each other. `connections`: how many may be held at once; `wait_s`: how long one waits for one.
    """

    def __init__(self, database: Database, kind: str = "fences", connections: int = 8, wait_s: float = _WAIT_S) -> None:
        file = sqlite_file(database.engine)
        self._kind = kind
        self._store: FenceStore
        if file is None:
            self._store = AdvisoryFences(database.engine.url, connections, wait_s)
        else:
            self._store = FileFences(file.with_name(f"{file.stem}-{kind}"), wait_s)

    def shared(self, grant_id: str) -> Held:
        """Hold the grant's fence together with other releases.

        Raises:
            StorageUnavailable: it could not be had in time; nothing may be released.
        """
        return self._store.shared(self._key(grant_id))

    def exclusive(self, grant_ids: Collection[str]) -> Held:
        """Hold the fences of these grants alone: waits for releases that are being handed over, and stops new ones.

        Raises:
            StorageUnavailable: a release did not end in time; nothing was changed.
        """
        return self._store.exclusive({self._key(grant_id) for grant_id in grant_ids})

    def prepare(self) -> None:
        """Make what holding needs while there is room, so that a full disk cannot keep anybody from revoking.

        Raises:
            StorageUnavailable: it cannot be made.
        """
        self._store.prepare()

    def close(self) -> None:
        """Close what is kept open; the next use opens it again (needed before a fork)."""
        self._store.close()

    def _key(self, name: str) -> int:
        return int.from_bytes(hashlib.sha256(f"{self._kind} {name}".encode()).digest()[:8], "big") >> 1
