"""Looks at the audit log and at what the worker should have done by now."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from broker.audit import reader
from broker.cli.doctor.finding import Finding, looking, well, wrong
from broker.crypto.keyset import Keyset
from broker.crypto.sealing import Sealer
from broker.events import outbox
from broker.grants.reader import GrantReader
from broker.storage.engine import Database
from broker.storage.single_use import forgettable_since

_LOOKED_AT = 50
# The worker looks every other second; what has waited longer than this waits for nobody.
_PATIENCE = timedelta(seconds=90)


def findings(keyset: Keyset | None, database: Database) -> Iterator[Finding]:
    """Read the newest entries of all logs, with their details when there are keys."""

    def look() -> Iterator[Finding]:
        with database.read() as session:
            entries = reader.tail(session, after={}, limit=_LOOKED_AT)
            if keyset is not None:
                for bank_id in {entry.bank_id for entry in entries}:
                    reader.of_bank(session, Sealer(keyset.sealing), bank_id, reader.Page(_LOOKED_AT))
        yield well("audit log", f"The newest {len(entries)} entries can be read." if entries else "It is empty.")

    yield from looking("audit log", look, "Stop the broker, keep a copy of the database, and restore a backup.")


def worker(keyset: Keyset | None, database: Database, now: datetime) -> Iterator[Finding]:
    """Look for work that has been left lying."""

    def look() -> Iterator[Finding]:
        with database.read() as session:
            waiting = {
                "a task in the outbox": outbox.due_since(session),
                "a used proof, to be forgotten": forgettable_since(session),
            }
            late = [name for name, since in waiting.items() if since is not None and since < now - _PATIENCE]
            if keyset is not None and GrantReader(Sealer(keyset.sealing)).overdue(session, now - _PATIENCE, 1):
                late.append("an expired grant, to be recorded")
        if late:
            found = f"Nobody has done what was due: {'; '.join(late)}."
            yield wrong("worker", found, "Start `broker worker`, or look at its log if it runs.")
        else:
            yield well("worker", "Nothing that is due is left lying.")

    yield from looking("worker", look, "Mend the database first.")
