"""Where the measured databases stand: in a folder that keeps them from one run to the next."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from broker.storage import schema
from broker.storage.engine import Database
from tests.bench.growth.loading import load
from tests.bench.growth.stories import Stories, ready
from tests.support import postgres
from tests.support.core import House, open_house
from tests.support.stores import PostgresStore, SqliteStore, Store, migrate

EMPTY_GRANTS = 2_000
"""An empty database holds so many grants all the same: its pages are as long as those of the full one."""
KEPT_FREE_BYTES = 10 * 1024**3
ENTRY_BYTES = 3_600
"""What one entry takes, with its part of everything else; for the room that is asked for before a load."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What was loaded into a database, how long that took, and how large it was then."""

    grants: int
    entries: int
    asked_grants: int
    asked_entries: int
    seconds: float
    size_bytes: int
    revision: str

    def fits(self, grants: int, entries: int) -> bool:
        """Say whether this is what was asked for."""
        return (self.asked_grants, self.asked_entries) == (grants, entries)


class NoRoom(Exception):
    """The disk has not enough room for a database of the size that was asked for."""


@contextmanager
def opened(store: Store, folder: Path) -> Iterator[House]:
    """Open a house on a database; its clock goes on where the log has stopped."""
    folder.mkdir(parents=True, exist_ok=True)
    with open_house(folder, store) as house:
        ready(house)
        newest = max((row[0] for row in store.rows("SELECT last_time_us FROM audit_logs")), default=0)
        behind_s = newest / 1_000_000 - house.watch().timestamp()
        house.watch.passes(seconds=max(0.0, behind_s))
        yield house


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with an empty and a full database of one kind."""

    folder: Path
    server: postgres.PostgresServer | None

    def store(self, name: str) -> Store:
        """Return a database that is there."""
        if self.server is not None:
            return PostgresStore(self.server, self._url(name))
        store = SqliteStore.__new__(SqliteStore)  # its constructor would make an empty file
        store.path = self._file(name)
        Store.__init__(store, f"sqlite:///{store.path}")
        return store

    def stamp(self, name: str) -> Stamp | None:
        """Return what stands in a database; None when it was not loaded to the end."""
        path = self._stamp(name)
        return Stamp(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None

    def loaded(self, name: str, grants: int, entries: int, stories: Stories) -> Stamp:
        """Load a database unless it is there already; one that is of an older revision is brought to the newest."""
        found = self.stamp(name)
        if found is not None and found.fits(grants, entries):
            _upgrade(self.store(name).url)
            return found
        self.forget(name)
        if shutil.disk_usage(self.folder).free < entries * ENTRY_BYTES + KEPT_FREE_BYTES:
            raise NoRoom(f"{name}: {entries * ENTRY_BYTES / 1e9:.0f} GB are needed, and 10 GB to be left.")
        self._create(name)
        store = self.store(name)
        with opened(store, self.folder / f"{name}-house") as house:
            loader = load(house, stories, grants, entries, _tell)
        size = self._size(store, name)
        made = Stamp(loader.grants, loader.entries, grants, entries, loader.took_s, size, schema.newest())
        self._stamp(name).write_text(json.dumps(asdict(made)), encoding="utf-8")
        return made

    def forget(self, name: str) -> None:
        """Have a database loaded anew the next time."""
        self._stamp(name).unlink(missing_ok=True)

    def _create(self, name: str) -> None:
        if self.server is not None:
            self.server.drop_database(self._url(name))
            self.server.runs(f"CREATE DATABASE growth_{name}")
            migrate(self._url(name))
            return
        for path in self.folder.glob(f"{name}.db*"):
            path.unlink()
        SqliteStore(self._file(name))

    def _size(self, store: Store, name: str) -> int:
        if self.server is not None:
            return int(store.rows(f"SELECT pg_database_size('growth_{name}')")[0][0])
        store.runs("PRAGMA wal_checkpoint(TRUNCATE)")
        return self._file(name).stat().st_size

    def _url(self, name: str) -> str:
        return f"{self.server.url if self.server else ''}/growth_{name}"

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.db"

    def _stamp(self, name: str) -> Path:
        return self.folder / f"{name}.json"


@contextmanager
def place(kind: str, folder: Path) -> Iterator[Place]:
    """Open the place of one kind of database below a folder; starts its PostgreSQL server, and stops it in the end."""
    folder = (folder / kind).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if kind == "sqlite":
        yield Place(folder, None)
        return
    note = folder / "server.json"
    if note.exists():
        running = json.loads(note.read_text(encoding="utf-8"))
        running["pid"] = postgres.serve(running)
    else:
        running = postgres.start(folder)
    note.write_text(json.dumps(running), encoding="utf-8")
    try:
        yield Place(folder, postgres.PostgresServer(running["url"]))
    finally:
        postgres.halt(running)


def _upgrade(url: str) -> None:
    database = Database(url)
    schema.upgrade(database)
    database.close()


def _tell(grants: int, entries: int, seconds: float) -> None:
    print(f"  {grants:,} grants, {entries:,} entries, {entries / seconds:,.0f} entries/s", flush=True)  # noqa: T201 - the output of a command
