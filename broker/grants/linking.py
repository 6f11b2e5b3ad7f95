"""Linking a second bank, and unlinking it: one person sees what they share from all their banks in one place.

Ordered like a revocation: the fences of the grants that move, then the logs of the banks, then the rows. A grant, its
tokens and the ids that an app knows stay what they are; only whose page it stands on changes.
"""

from collections.abc import Callable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from broker.audit.moving import move_subjects
from broker.audit.sequencer import LoggedTransaction, Sequencer
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.clock import Clock
from broker.errors import ConsentRefused
from broker.events.outbox import TaskKind, put
from broker.grants.acts import Actor
from broker.grants.fence import Fences
from broker.grants.models import GrantRow
from broker.notices.erasure import move_notices
from broker.notices.notice import Notice
from broker.notices.outbox import note
from broker.notices.vocabulary import What
from broker.policy.vocabulary import GrantStatus
from broker.users.moves import banks_of, move, new_user
from broker.users.passkeys import follow

_LIVE = (GrantStatus.AWAITING_AUTHORISATION.value, GrantStatus.ACTIVE.value, GrantStatus.PAUSED.value)
_Target = Callable[[Session], str]


class Linking:
    """The two acts. Whoever calls them has let the person sign in at both banks, and asked."""

    def __init__(self, sequencer: Sequencer, fences: Fences, clock: Clock) -> None:
        self._sequencer = sequencer
        self._fences = fences
        self._clock = clock

    def link(self, actor: Actor, bank_id: str, other_user: str) -> None:
        """Make the customer of a bank, who went as another user until now, this person.

        Raises:
            ConsentRefused: the person has this bank already, or the other user has further banks.
            LogUnavailable: it could not be written; nothing has changed.
        """

        def check(session: Session) -> None:
            if not banks_of(session, actor.user_id):  # another tab has closed the account
                raise ConsentRefused("This account is closed.", code="user-left")
            if bank_id in banks_of(session, actor.user_id):
                raise ConsentRefused("You have linked a sign-in at this bank already.", code="link-refused")
            if list(banks_of(session, other_user)) != [bank_id]:
                text = "That sign-in is linked with other banks. Sign in with it, unlink them there, and try again."
                raise ConsentRefused(text, code="link-refused")

        self._move(actor, bank_id, other_user, lambda _session: actor.user_id, check=check, event=Event.IDENTITY_LINKED)

    def unlink(self, actor: Actor, bank_id: str) -> None:
        """Make the person's sign-in at a bank a person apart again, with all that is shared from there.

        Raises:
            ConsentRefused: it is not linked with any other bank of theirs.
            LogUnavailable: it could not be written; nothing has changed.
        """

        def check(session: Session) -> None:
            banks = banks_of(session, actor.user_id)
            if bank_id not in banks or len(banks) == 1:
                raise ConsentRefused("This bank is not linked.", code="link-refused")

        def apart(session: Session) -> str:
            return new_user(session, self._clock())

        self._move(actor, bank_id, actor.user_id, apart, check=check, event=Event.IDENTITY_UNLINKED)

    def _move(
        self,
        actor: Actor,
        bank_id: str,
        from_user: str,
        target: _Target,
        *,
        check: Callable[[Session], None],
        event: Event,
    ) -> None:
        banks = sorted({bank_id, *self._sequencer.look_up(lambda session: banks_of(session, actor.user_id))})
        while True:
            self._sequencer.prepare(banks)  # may wait for witnesses, which nobody does while holding a fence
            grants = self._sequencer.look_up(lambda session: _live(session, from_user, bank_id))
            with self._fences.exclusive(grants), self._sequencer.transaction(banks, fenced=True) as transaction:
                # Again when a further grant has appeared between the look and the locks: its fence is not held.
                if set(_live(transaction.session, from_user, bank_id)) <= set(grants):
                    check(transaction.session)
                    to_user = target(transaction.session)
                    self._write(transaction, bank_id, from_user, to_user)
                    what = What.BANK_LINKED if event is Event.IDENTITY_LINKED else What.BANK_UNLINKED
                    note(transaction.session, Notice(what, actor.user_id, bank_id=bank_id), self._clock())
                    self._tell(transaction, actor, banks, {bank_id: to_user}, event)
                    return

    def _write(self, transaction: LoggedTransaction, bank_id: str, from_user: str, to_user: str) -> None:
        session, now = transaction.session, self._clock()
        theirs = select(GrantRow).where(GrantRow.user_id == from_user, GrantRow.bank_id == bank_id)
        for row in session.scalars(theirs.order_by(GrantRow.id).with_for_update()):
            row.user_id = to_user
        move(session, bank_id, from_user, to_user, now)
        follow(session, bank_id, from_user, to_user)
        move_notices(session, bank_id, from_user, to_user)
        move_subjects(transaction, bank_id=bank_id, from_user=from_user, to_user=to_user)
        # What was to be tidied up at the bank for the old user is looked at again for the new one.
        put(session, TaskKind.BANK_END, {"user_id": to_user, "bank_id": bank_id}, now)

    @staticmethod
    def _tell(
        transaction: LoggedTransaction, actor: Actor, banks: Sequence[str], users: dict[str, str], event: Event
    ) -> None:
        """Write it into the log of each bank concerned; none learns which the others are."""
        for bank in banks:
            transaction.append(
                Entry(
                    event=event,
                    initiator=Initiator.INDIVIDUAL,
                    bank_id=bank,
                    user_id=users.get(bank, actor.user_id),
                    interaction_id=actor.interaction_id,
                    reasons=("user-action",),
                )
            )


def _live(session: Session, user_id: str, bank_id: str) -> Sequence[str]:
    query = select(GrantRow.id).where(GrantRow.user_id == user_id, GrantRow.bank_id == bank_id)
    return session.scalars(query.where(GrantRow.status.in_(_LIVE)).order_by(GrantRow.id)).all()
