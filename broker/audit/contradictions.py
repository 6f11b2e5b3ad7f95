"""Which witness has contradicted which log, kept where every process looks under the log's lock.

A row stays: what comes later does not make two histories one. It counts as long as its witness is configured and its
log is the current one. Not trusted: who can write this table can delete a row; the witness says it again when asked.
"""

from collections.abc import Iterator

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from broker.audit.models import ContradictionRow
from broker.storage.base import table_of
from broker.storage.prepared import Transaction

_ROWS = table_of(ContradictionRow)
_KEPT = {
    "sqlite": sqlite.insert(_ROWS).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(_ROWS).on_conflict_do_nothing(),
}
_OF_LOG = select(_ROWS.c.witness).where(_ROWS.c.log == bindparam("of_log"))


def keep(session: Session, log: str, witness: str, size: int) -> None:
    """Store that a witness (its vkey) contradicts a log, which has `size` entries here; the first time counts."""
    connection = session.connection()
    connection.execute(_KEPT[connection.dialect.name], {"log": log, "witness": witness, "size": size})


def contradicting(session: Transaction, log: str) -> list[str]:
    """Return the vkeys of the witnesses that have contradicted a log."""
    return list(session.connection().execute(_OF_LOG, {"of_log": log}).scalars())


def contradicted(session: Session) -> Iterator[tuple[str, str]]:
    """Yield every log that was contradicted with the vkey of a witness that did."""
    for row in session.execute(select(_ROWS.c.log, _ROWS.c.witness)):
        yield row.log, row.witness
