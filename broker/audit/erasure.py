"""Erases what the logs keep of one person at one bank: details, salts and the key, never an entry.

The entries stay, and so does the tree. Their pseudonym leads nowhere any more; whatever the person does later begins a
new chain under a new pseudonym and a new key.
"""

from dataclasses import dataclass, replace

from sqlalchemy import delete, select, tuple_

from broker.audit.models import DetailRow, EntryRow, SubjectRow
from broker.audit.sequencer import LoggedTransaction
from broker.audit.vocabulary import Appended, Entry, Event, Initiator
from broker.errors import NotFound
from broker.storage.base import table_of
from broker.storage.shred import overwrite_what_is_deleted

_DETAILS, _SUBJECTS = table_of(DetailRow), table_of(SubjectRow)


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased: how many entries lost their details, and where the log says so, once for each pseudonym."""

    entries: int
    written: tuple[Appended, ...]


def erase_details(
    transaction: LoggedTransaction,
    *,
    user_id: str,
    bank_id: str,
    initiator: Initiator = Initiator.DATA_ACCESS_PLATFORM,
) -> Erased:
    """Delete the details of all entries about this person at this bank, and the keys under which they were sealed.

    `details.erased` is written first: it is the last leaf of each of the person's chains.
    Call it when no grant of theirs lives.

    Raises:
        NotFound: the log knows nothing of this person at this bank, or it was erased already.
    """
    session = transaction.session
    about = (SubjectRow.user_id == user_id, SubjectRow.bank_id == bank_id)
    known = select(SubjectRow.pseudonym, SubjectRow.platform_id).where(*about).order_by(SubjectRow.platform_id)
    found = session.execute(known.with_for_update()).all()
    if not found:
        raise NotFound("The log keeps nothing of this customer.")
    overwrite_what_is_deleted(session)
    entry = Entry(Event.DETAILS_ERASED, initiator, bank_id=bank_id, user_id=user_id)
    written = tuple(transaction.append(replace(entry, platform_id=row.platform_id or None)) for row in found)
    pseudonyms = [row.pseudonym for row in found]
    entries = select(EntryRow.log, EntryRow.number).where(EntryRow.subject.in_(pseudonyms))
    connection = session.connection()
    count = connection.execute(delete(_DETAILS).where(tuple_(_DETAILS.c.log, _DETAILS.c.number).in_(entries))).rowcount
    connection.execute(delete(_SUBJECTS).where(_SUBJECTS.c.pseudonym.in_(pseudonyms)))
    return Erased(count, written)
