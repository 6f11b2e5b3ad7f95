"""Lets the entries about a bank's customer be those of another user: the same chains, pseudonyms and keys."""

from sqlalchemy import update

from broker.audit.models import SubjectRow
from broker.audit.sequencer import LoggedTransaction


def move_subjects(transaction: LoggedTransaction, *, bank_id: str, from_user: str, to_user: str) -> None:
    """Move them under the lock of the bank's log. No entry changes, and nobody outside can tell."""
    theirs = (SubjectRow.user_id == from_user, SubjectRow.bank_id == bank_id)
    transaction.session.flush()
    transaction.session.execute(update(SubjectRow).where(*theirs).values(user_id=to_user))
