"""Three ways to append the same entry: ours, grouped without a tree, and one commit for each access."""

from collections.abc import Callable, Sequence

from sqlalchemy import insert
from sqlalchemy.orm import Session

from broker.audit.leaf import Draft
from broker.audit.models import DetailRow, EntryRow
from broker.audit.sequencer import Sequencer
from broker.audit.vocabulary import Appended, Entry, Event, Initiator
from broker.audit.writer import Log, Placed, Writer
from broker.crypto.sealing import Sealer
from broker.storage.base import table_of
from broker.storage.engine import Database
from broker.tlog.compact_range import CompactRange, grow
from tests.support.core import KEY, LOG_KEYS, Watch

Append = Callable[[Entry], Appended]


class PlainWriter(Writer):
    """Stores the very same rows in the same transaction and leaves out the tree, the signature and the receipts.

    The frontier in memory keeps its size alone, so that the numbers go on.
    """

    def write(self, session: Session, log: Log, drafts: Sequence[Draft]) -> list[Placed]:
        subjects = self._subjects(session, log, [one.entry for one in drafts])
        first = log.frontier.size
        written = [self._written(subjects, log.name, n, 1, one) for n, one in enumerate(drafts, start=first)]
        connection = session.connection()
        connection.execute(insert(table_of(EntryRow)), [one.row for one in written])
        details = [
            {"log": log.name, "number": one.row["number"], "sealed": one.sealed} for one in written if one.sealed
        ]
        connection.execute(insert(table_of(DetailRow)), details)
        size = first + len(drafts)
        connection.exec_driver_sql(f"UPDATE audit_logs SET size = {size} WHERE name = '{log.name}'")  # noqa: S608 - ours
        subjects.store()
        return [_Unproved(one, _NO_GROWTH, b"") for one in written]

    def _locked(self, session: Session, bank: str | None) -> Log:
        connection = session.connection()
        lock = "" if connection.dialect.name == "sqlite" else " FOR UPDATE"
        found = connection.exec_driver_sql(f"SELECT size FROM audit_logs WHERE owner = '{bank}'{lock}").one()  # noqa: S608 - our own names
        return Log(f"{self._host}/audit/{bank}/2026", _Numbers(found.size), 0)


class _Unproved(Placed):
    """A place without a receipt."""

    def appended(self, lost: str | None = None) -> Appended:
        return Appended(self.written.row["log"], self.written.row["number"], b"", (), lost)


_NO_GROWTH = grow(CompactRange.load(0, b""), ())


class _Numbers(CompactRange):
    """A size without hashes."""

    def __init__(self, size: int) -> None:
        object.__setattr__(self, "size", size)
        object.__setattr__(self, "hashes", ())


def ours(database: Database) -> Append:
    return _sequencer(database, Writer).append


def grouped_without_tree(database: Database) -> Append:
    return _sequencer(database, PlainWriter).append


def commit_per_access(database: Database) -> Append:
    sequencer = _sequencer(database, PlainWriter)

    def append(entry: Entry) -> Appended:
        with sequencer.transaction([entry.bank_id]) as transaction:
            return transaction.append(entry)

    return append


def open_log(database: Database) -> None:
    """Make the bank's log, empty."""
    with _sequencer(database, Writer).transaction(["harbor"]):
        pass


WAYS: dict[str, Callable[[Database], Append]] = {
    "group commit with tree, signature, receipts": ours,
    "group commit, plain inserts": grouped_without_tree,
    "one commit for each access": commit_per_access,
}


def entry_of(person: int) -> Entry:
    """Return an entry as an access to balances makes it; 1,000 people share one bank's log."""
    return Entry(
        event=Event.ACCESS_REQUESTED,
        initiator=Initiator.DATA_RECIPIENT,
        bank_id="harbor",
        user_id=f"018f{person:032x}"[:36],
        platform_id="messenger",
        grant_id=f"019f{person:032x}"[:36],
        grant_version=1,
        category="balances",
        purpose="chat_banking",
        interaction_id=f"11111111-1111-4111-8111-{person:012d}",
        policy_digest="d" * 43,
        accounts=2,
        access_id="a" * 22,
        details={
            "customer": f"customer-{person}",
            "accounts": ["acc-1", "acc-2"],
            "endpoint": "GET /v1/accounts/balances",
            "window": "2026-08-01T00:00:00Z/2026-11-01T00:00:00Z",
            "fields": ["accountId", "currentBalance", "availableBalance", "currency", "asOf"],
            "context": {"status": "ACTIVE", "purpose": "chat_banking"},
        },
    )


def _sequencer(database: Database, writer: type[Writer]) -> Sequencer:
    return Sequencer(database, writer(Sealer(KEY), LOG_KEYS, Watch(), "broker.example"))
