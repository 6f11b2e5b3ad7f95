"""A house whose log is watched by witnesses; its database can be put back to an earlier state."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from broker.audit.confirmation import Confirmation
from broker.audit.log_keys import LogKeys
from broker.audit.sequencer import Sequencer
from broker.audit.submission import LARGEST_ANSWER, Submission
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.audit.witnesses import Witness, Witnesses
from broker.audit.writer import Writer
from broker.crypto.sealing import Sealer
from broker.outbound import OutboundClient
from broker.storage.engine import Database
from broker.tlog.cosignature import CosignatureVerifier
from tests.support.core import KEY, LOG_KEYS, House, Watch, open_house
from tests.support.witnesses import new_witness, served

LOG = "broker.example/audit/harbor/2026"
ENTRY = Entry(Event.ACCESS_REQUESTED, Initiator.DATA_RECIPIENT, "harbor")
CHANGE = Entry(Event.BANK_REGISTERED, Initiator.DATA_ACCESS_PLATFORM, "harbor")


def submission_on(
    database: Database, ports: Sequence[int], timeout_s: float = 3.0, keys: LogKeys = LOG_KEYS
) -> Submission:
    http = OutboundClient(frozenset(f"localhost:{port}" for port in ports), timeout_s, LARGEST_ANSWER)
    return Submission(database, keys, http, timeout_s)


def witness_at(verifier: CosignatureVerifier, port: int) -> Witness:
    return Witness(verifier, f"http://localhost:{port}")


@dataclass
class Watched:
    """The database of a house, and its witnesses. `process` is a broker process that has just started on it."""

    house: House
    witnesses: Witnesses
    submission: Submission

    @property
    def ports(self) -> list[int]:
        return [int(member.url.rpartition(":")[2]) for member in self.witnesses.members]

    def process(self, watch: Watch | None = None) -> Sequencer:
        """Begin anew, as a process does: nothing is confirmed yet."""
        writer = Writer(Sealer(KEY), LOG_KEYS, watch or self.house.watch, "broker.example")
        return Sequencer(self.house.database, writer, Confirmation(self.witnesses, self.submission.ask))

    def submits(self, log: str = LOG) -> list[str]:
        return [self.submission.submit(witness, log).says.value for witness in self.witnesses.members]

    def backup(self) -> bytes:
        """Copy the database as a backup does."""
        return serialized(self.house.database)

    def restore(self, copy: bytes) -> None:
        put_back(self.house.database, copy)


def serialized(database: Database) -> bytes:
    """Return a whole SQLite database, as a backup has it."""
    database.close()
    with closing(sqlite3.connect(_file_of(database))) as connection:
        return connection.serialize()


def put_back(database: Database, copy: bytes) -> None:
    """Put an earlier state of a SQLite database in its place."""
    database.close()
    file = _file_of(database)
    for name in (f"{file.name}-wal", f"{file.name}-shm"):
        file.with_name(name).unlink(missing_ok=True)
    file.write_bytes(copy)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


def _file_of(database: Database) -> Path:
    return Path(database.engine.url.database or "")


@contextmanager
def watched(folder: Path, count: int = 1, quorum: int | None = None) -> Iterator[Watched]:
    """Open a house on SQLite with so many witnesses, each served by a thread."""
    with open_house(folder) as house, _served(folder, count) as members:
        ports = [int(member.url.rpartition(":")[2]) for member in members]
        chosen = Witnesses(tuple(members), count // 2 + 1 if quorum is None else quorum)
        yield Watched(house, chosen, submission_on(house.database, ports))


@contextmanager
def _served(folder: Path, count: int) -> Iterator[list[Witness]]:
    if count == 0:
        yield []
        return
    own = folder / f"witness-{count}"
    logs = (LOG, LOG.replace("harbor", "meridian"))
    cosigner = new_witness(own, *(f"years {LOG_KEYS.vkeys(log)[0]}" for log in logs), name=f"w{count}.example")
    with served(own) as server, _served(folder, count - 1) as others:
        yield [witness_at(cosigner.verifier, server.server_port), *others]
