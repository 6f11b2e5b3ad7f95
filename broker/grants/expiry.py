"""Writes down that a grant has expired: what was once seen to be over stays over, wherever the clock steps."""

from sqlalchemy.orm import Session

from broker.audit.sequencer import Sequencer
from broker.audit.vocabulary import Event
from broker.clock import Clock
from broker.grants.acts import end_at_bank_if_last, entry_of, set_status
from broker.grants.announcing import append_and_announce
from broker.grants.models import GrantRow
from broker.grants.views import status_now
from broker.policy.vocabulary import GrantStatus


def record_expiry(sequencer: Sequencer, clock: Clock, grant_id: str, *, fenced: bool = False) -> None:
    """Record that a grant has expired, if it has and nobody has recorded it; the calls knew it already.

    `fenced`: the caller holds a fence, so no witness is asked now.

    Raises:
        LogUnavailable: the entry could not be written.
    """
    bank_id = sequencer.look_up(lambda session: _bank_if_unrecorded(session, grant_id))
    if bank_id is None:
        return
    with sequencer.transaction([bank_id], fenced=fenced) as transaction:
        now = clock()
        row = transaction.session.get_one(GrantRow, grant_id, with_for_update=True)
        status, code = status_now(row, now)
        if status is GrantStatus.EXPIRED and row.status != GrantStatus.EXPIRED.value:
            set_status(row, GrantStatus.EXPIRED, code, now)
            append_and_announce(transaction, entry_of(row, Event.GRANT_EXPIRED, None, reasons=(code,)))
            end_at_bank_if_last(transaction.session, row, now)


def _bank_if_unrecorded(session: Session, grant_id: str) -> str | None:
    row = session.get_one(GrantRow, grant_id)
    return None if row.status == GrantStatus.EXPIRED.value else row.bank_id
