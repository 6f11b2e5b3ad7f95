"""What may be taken along from the log about one entry: its receipt, and what opens the digests in it.

Not trusted: a receipt proves itself, to anybody who has the log's key. What this decides is who is given one.
"""

import json

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from broker.audit.models import IS_SWITCH, DetailRow, EntryRow, LogState, SubjectRow
from broker.audit.subjects import opened
from broker.audit.tree import head_of
from broker.audit.vocabulary import Event
from broker.audit.witnessed import cosigned_receipt
from broker.crypto.sealing import Sealer
from broker.errors import NotFound
from broker.tlog.disclosure import Disclosure

_LARGEST_NUMBER = 2**63 - 1


def log_at(session: Session, owner: str, year: str) -> str:
    """Return the name of a log by what stands in an address; the text itself never reaches the database.

    `owner` is a bank's id or `operator`, `year` the last part of the name.

    Raises:
        NotFound: there is no such log.
    """
    names = session.scalars(select(LogState.name))
    found = next((name for name in names if name.split("/")[-2:] == [owner, year]), None)
    if found is None:
        raise _nothing_there()
    return found


def of_person(session: Session, user_id: str, log: str, number: int) -> bytes:
    """Return the receipt of an entry about this person, with the signatures of witnesses where they cover it.

    A switch at one of their banks is about them too, and a change of the policies there.

    Raises:
        NotFound: unknown, or about somebody else: the same answer.
    """
    if not _is_act_at_own_bank(session, user_id, log, number):
        _check_own(session, user_id, log, number)
    return of_log(session, log, number)


def of_log(session: Session, log: str, number: int) -> bytes:
    """Return the receipt of any entry, for whoever may see the whole log.

    Raises:
        NotFound: there is no such entry; or the log has signed nothing since it became a tree.
    """
    if number > _LARGEST_NUMBER or not head_of(session, log).note:
        raise _nothing_there()
    return cosigned_receipt(session, log, number)


def disclosures_of_person(
    session: Session, master: Sealer, user_id: str, log: str, number: int
) -> tuple[Disclosure, ...]:
    """Return what opens the digests in an entry about this person; none when it has no details.

    Raises:
        NotFound: unknown, or about somebody else: the same answer.
    """
    pseudonym, sealed_key = _check_own(session, user_id, log, number)
    sealed = session.scalar(select(DetailRow.sealed).where(DetailRow.log == log, DetailRow.number == number))
    return () if sealed is None else disclosed(opened(master, pseudonym, sealed_key), log, number, sealed)


def disclosed(sealer: Sealer, log: str, number: int, sealed: bytes) -> tuple[Disclosure, ...]:
    """Open the details of one entry. Those from before the log was a tree have no salts, and disclose nothing."""
    found = json.loads(sealer.open(sealed, f"audit_details/{log}/{number}"))
    return tuple(Disclosure(*one) for one in found) if isinstance(found, list) else ()


def _is_act_at_own_bank(session: Session, user_id: str, log: str, number: int) -> bool:
    if number > _LARGEST_NUMBER:
        return False
    banks = select(SubjectRow.bank_id).where(SubjectRow.user_id == user_id)
    logs = select(LogState.name).where(LogState.name == log, LogState.owner.in_(banks))
    query = select(EntryRow.number).where(EntryRow.log.in_(logs), EntryRow.number == number)
    query = query.where(or_(IS_SWITCH, EntryRow.event == Event.POLICY_CHANGED.value))
    return session.scalar(query) is not None


def _check_own(session: Session, user_id: str, log: str, number: int) -> tuple[str, bytes]:
    """Return the pseudonym and the sealed key of the person whom an entry is about, if it is this one."""
    if number > _LARGEST_NUMBER:
        raise _nothing_there()
    about = select(SubjectRow.pseudonym, SubjectRow.sealed_key).join(EntryRow, EntryRow.subject == SubjectRow.pseudonym)
    query = about.where(SubjectRow.user_id == user_id, EntryRow.log == log, EntryRow.number == number)
    found = session.execute(query).first()
    if found is None:
        raise _nothing_there()
    return found.pseudonym, found.sealed_key


def _nothing_there() -> NotFound:
    return NotFound("There is no such entry for you.")
