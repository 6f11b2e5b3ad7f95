"""Puts a bank's log back to work after witnesses contradicted it: another log, and every grant of the bank on hold.

Whatever the lost entries said (a revocation, say) is not known here any more. So nothing is shared again before each
person has looked: a grant on hold is a paused one, which its person resumes or ends on My sharing.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from broker.audit.recovery import WitnessedHead
from broker.audit.retention import name_of
from broker.audit.sequencer import LoggedTransaction, Sequencer
from broker.audit.vocabulary import Event
from broker.clock import Clock
from broker.grants.acts import entry_of, set_status
from broker.grants.announcing import append_and_announce
from broker.grants.fence import Fences
from broker.grants.models import GrantRow
from broker.grants.views import status_now
from broker.policy.vocabulary import GrantStatus

REASON = "log-recovered"


def recover(
    sequencer: Sequencer, fences: Fences, clock: Clock, *, log: str, following: str, head: WitnessedHead
) -> int:
    """Open the following log, committed to the witnessed head, put the bank's grants on hold, and say how many.

    Raises:
        LogUnavailable: the witnesses know the following log already, or it could not be written; nothing has changed.
        StorageUnavailable: a release did not end in time; nothing has changed.
    """
    bank = name_of(log).bank_id
    sequencer.permits.inquire(following)
    while True:
        grant_ids = sequencer.look_up(lambda session: _active(session, bank))
        with fences.exclusive(grant_ids), sequencer.recovery(bank, log) as transaction:
            # Again when a further grant has appeared between the look and the locks: its fence is not held.
            if set(_active(transaction.session, bank)) <= set(grant_ids):
                transaction.recover(bank, following, head.stated)
                return _hold(transaction, bank, clock)


def _active(session: Session, bank: str | None) -> list[str]:
    query = select(GrantRow.id).where(GrantRow.bank_id == bank, GrantRow.status == GrantStatus.ACTIVE.value)
    return list(session.scalars(query))


def _hold(transaction: LoggedTransaction, bank: str | None, clock: Clock) -> int:
    now, count = clock(), 0
    query = select(GrantRow).where(GrantRow.bank_id == bank, GrantRow.status == GrantStatus.ACTIVE.value)
    for row in transaction.session.scalars(query.order_by(GrantRow.id).with_for_update()):
        if status_now(row, now)[0] is GrantStatus.ACTIVE:  # an end by time is the worker's to record
            set_status(row, GrantStatus.PAUSED, REASON, now)
            append_and_announce(transaction, entry_of(row, Event.GRANT_PAUSED, None, reasons=(REASON,)))
            count += 1
    return count
