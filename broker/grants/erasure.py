"""Forgets a customer of a bank: their grants end, then the log's details about them are erased, in one transaction."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from broker.audit.erasure import Erased, erase_details
from broker.audit.sequencer import LoggedTransaction, Sequencer
from broker.audit.vocabulary import Event
from broker.clock import Clock
from broker.grants.acts import end_at_bank_if_last, entry_of, set_status
from broker.grants.announcing import append_and_announce
from broker.grants.fence import Fences
from broker.grants.models import GrantRow
from broker.harvest.tallies import forget_person
from broker.notices.erasure import forget_at_bank
from broker.policy.vocabulary import GrantStatus

_LIVE = (GrantStatus.ACTIVE.value, GrantStatus.PAUSED.value)
_REASON = "details-erased"


class Erasure:
    """The one act of forgetting. Fences first, then the bank's log, then writes, as for every revocation (02)."""

    def __init__(self, sequencer: Sequencer, fences: Fences, clock: Clock) -> None:
        self._sequencer = sequencer
        self._fences = fences
        self._clock = clock

    def live_grants(self, user_id: str, bank_id: str) -> list[str]:
        """Return the ids of the grants that forgetting this person would end now."""
        return self._sequencer.look_up(lambda session: [row.id for row in _live(session, user_id, bank_id)])

    def erase(self, user_id: str, bank_id: str) -> Erased:
        """End every live grant of the person at this bank, then erase the details of their entries.

        Raises:
            NotFound: the log keeps nothing of this person at this bank.
            LogUnavailable: it could not be written; nothing has changed.
        """
        while True:
            self._sequencer.prepare([bank_id])  # may wait for witnesses, which nobody does while holding a fence
            grants = self.live_grants(user_id, bank_id)
            with self._fences.exclusive(grants), self._sequencer.transaction([bank_id], fenced=True) as transaction:
                rows = _live(transaction.session, user_id, bank_id)
                # Again when a further grant has appeared between the look and the locks: its fence is not held.
                if {row.id for row in rows} <= set(grants):
                    self._end(transaction, rows)
                    forget_person(transaction.session, user_id, bank_id)
                    forget_at_bank(transaction.session, user_id, bank_id)
                    return erase_details(transaction, user_id=user_id, bank_id=bank_id)

    def _end(self, transaction: LoggedTransaction, rows: Sequence[GrantRow]) -> None:
        for row in rows:
            now = self._clock()
            set_status(row, GrantStatus.REVOKED, _REASON, now)
            append_and_announce(transaction, entry_of(row, Event.GRANT_REVOKED, None, reasons=(_REASON,)))
            end_at_bank_if_last(transaction.session, row, now)


def _live(session: Session, user_id: str, bank_id: str) -> Sequence[GrantRow]:
    """Return the rows of the live grants, locked where the session writes."""
    query = select(GrantRow).where(GrantRow.user_id == user_id, GrantRow.bank_id == bank_id, GrantRow.status.in_(_LIVE))
    return session.scalars(query.order_by(GrantRow.id)).all()
