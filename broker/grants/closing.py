"""Closes a person's account: every grant ends, what the logs keep of them is erased, and who they are is forgotten.

One transaction over the logs of all their banks, ordered like a revocation (02): the fences of the grants, then the
logs, then the rows. Whatever stops it in the middle leaves everything as it was.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from broker.audit.erasure import erase_details
from broker.audit.sequencer import LoggedTransaction, Sequencer
from broker.audit.vocabulary import Event, Initiator
from broker.clock import Clock
from broker.errors import ConsentRefused, NotFound
from broker.events.outbox import TaskKind, put
from broker.grants.acts import Actor, entry_of, set_status
from broker.grants.announcing import append_and_announce
from broker.grants.fence import Fences
from broker.grants.models import GrantAccountRow, GrantRow
from broker.harvest.tallies import forget_person
from broker.notices.erasure import forget_user
from broker.policy.vocabulary import GrantStatus
from broker.storage.shred import overwrite_what_is_deleted
from broker.users.moves import banks_of
from broker.users.passkeys import Owner, OwnerKind, Passkeys
from broker.users.service import Users

USER_LEFT: Final = "user-left"
_OPEN = tuple(status.value for status in GrantStatus if not status.is_final)
_STRAGGLERS: Final = timedelta(minutes=10)
"""How long calls that were under way may take to write what was refused to them."""

EndsBesides = Callable[[Session, Sequence[str]], None]
"""Ends, in the same transaction, what layers above keep of the person; it is given the ids of all their grants."""


class Closing:
    """The act, and what is left to do of it when nothing more can come."""

    def __init__(self, sequencer: Sequencer, fences: Fences, users: Users, passkeys: Passkeys, clock: Clock) -> None:
        self._sequencer = sequencer
        self._fences = fences
        self._users = users
        self._passkeys = passkeys
        self._clock = clock

    def close(self, actor: Actor, besides: EndsBesides) -> None:
        """Close the actor's account. When it returns, nothing more is released and nobody is this person any more.

        Raises:
            ConsentRefused: it is closed already.
            LogUnavailable: it could not be written; nothing has changed.
        """
        while True:
            banks = self._sequencer.look_up(lambda session: _banks(session, actor.user_id))
            if not banks:
                raise ConsentRefused("This account is closed already.", code=USER_LEFT)
            self._sequencer.prepare(banks)  # may wait for witnesses, which nobody does while holding a fence
            grants = self._sequencer.look_up(lambda session: [row.id for row in _open(session, actor.user_id)])
            with self._fences.exclusive(grants), self._sequencer.transaction(banks, fenced=True) as transaction:
                session = transaction.session
                rows, present = _open(session, actor.user_id), _banks(session, actor.user_id)
                # Again when a grant or a bank has appeared between the look and the locks: they are not held.
                if {row.id for row in rows} <= set(grants) and set(present) <= set(banks):
                    if not present:  # another tab was quicker
                        raise ConsentRefused("This account is closed already.", code=USER_LEFT)
                    self._close(transaction, actor, rows, present, besides)
                    return

    def finish(self, user_id: str, bank_id: str) -> None:
        """Forget what was kept of a customer after closing: their bank's tokens, and what calls under way have written.

        `user_id` is the one under which `close` set them apart.

        Raises:
            LogUnavailable: it could not be written; nothing has changed.
        """
        with self._sequencer.transaction([bank_id]) as transaction:
            overwrite_what_is_deleted(transaction.session)
            self._erase(transaction, user_id, bank_id, Initiator.DATA_ACCESS_PLATFORM)
            self._users.drop(transaction.session, user_id)

    def _close(
        self,
        transaction: LoggedTransaction,
        actor: Actor,
        rows: Sequence[GrantRow],
        banks: Sequence[str],
        besides: EndsBesides,
    ) -> None:
        session, now = transaction.session, self._clock()
        overwrite_what_is_deleted(session)
        for row in rows:
            self._end(transaction, row, actor)
        session.flush()
        theirs = select(GrantRow.id).where(GrantRow.user_id == actor.user_id)
        every = session.scalars(theirs.order_by(GrantRow.id)).all()
        # How their accounts are called stands here too.
        session.execute(delete(GrantAccountRow).where(GrantAccountRow.grant_id.in_(theirs)))
        for bank_id in banks:
            forget_person(session, actor.user_id, bank_id)
            # The last entry about the person: whatever still comes is about nobody.
            self._erase(transaction, actor.user_id, bank_id, Initiator.INDIVIDUAL)
        forget_user(session, actor.user_id)
        self._passkeys.remove_all(session, Owner(OwnerKind.USER, actor.user_id))
        besides(session, every)
        for bank_id, nobody in self._users.set_apart(session, actor.user_id, now):
            task = {"user_id": nobody, "bank_id": bank_id}
            put(session, TaskKind.BANK_END, task, now)
            put(session, TaskKind.CUSTOMER_END, task, now, delay=_STRAGGLERS)

    def _end(self, transaction: LoggedTransaction, row: GrantRow, actor: Actor) -> None:
        waits = row.status == GrantStatus.AWAITING_AUTHORISATION.value
        status, event = GrantStatus.REVOKED, Event.GRANT_REVOKED
        if waits:
            status, event = GrantStatus.REJECTED, Event.GRANT_REFUSED
        set_status(row, status, USER_LEFT, self._clock())
        append_and_announce(transaction, entry_of(row, event, actor, reasons=(USER_LEFT,)))

    @staticmethod
    def _erase(transaction: LoggedTransaction, user_id: str, bank_id: str, initiator: Initiator) -> None:
        with suppress(NotFound):  # the log of a bank knows nothing of who has only signed in there
            erase_details(transaction, user_id=user_id, bank_id=bank_id, initiator=initiator)


def _open(session: Session, user_id: str) -> Sequence[GrantRow]:
    """Return the rows of what has not ended, proposals included."""
    query = select(GrantRow).where(GrantRow.user_id == user_id, GrantRow.status.in_(_OPEN)).order_by(GrantRow.id)
    return session.scalars(query).all()


def _banks(session: Session, user_id: str) -> list[str]:
    """Return the banks whose logs closing writes: those of which the user is a customer, and of their grants."""
    of_grants = select(GrantRow.bank_id).where(GrantRow.user_id == user_id, GrantRow.status.in_(_OPEN))
    return sorted({*banks_of(session, user_id), *session.scalars(of_grants)})
