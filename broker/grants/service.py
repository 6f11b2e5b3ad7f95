"""The acts on a live grant: pause, resume, revoke; one category, one account, the whole grant or all of them."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from broker.audit.sequencer import LoggedTransaction, Sequencer
from broker.audit.vocabulary import Appended, Event
from broker.clock import Clock
from broker.errors import ConsentRefused, NotFound
from broker.grants.acts import Actor, PlatformActor, bank_of, end_at_bank_if_last, entry_of, own_grant, set_status
from broker.grants.announcing import append_and_announce
from broker.grants.fence import Fences
from broker.grants.models import GrantAccountRow, GrantCategoryRow, GrantRow
from broker.grants.views import status_now
from broker.policy.vocabulary import ClusterState, GrantStatus


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a grant that an act is about; the whole grant when both are None, never both."""

    category: str | None = None
    account_id: str | None = None

    @property
    def is_whole(self) -> bool:
        """Say whether the act is about the whole grant."""
        return self.category is None and self.account_id is None


class Grants:
    """Acts of people on their own grants, and one of platforms. Each is effective on the very next call.

    Each act takes the fences of its grants first, then the locks of the logs, then writes (02-architecture): when it
    returns, what was released before has been handed over. It waits for hand-overs, never for a bank. It returns where
    it stands in the log.
    """

    def __init__(self, sequencer: Sequencer, fences: Fences, clock: Clock) -> None:
        self._sequencer = sequencer
        self._fences = fences
        self._clock = clock

    def pause(self, actor: Actor, grant_id: str, part: Part) -> tuple[Appended, ...]:
        """Stop releases until resumed.

        Raises:
            NotFound: not this person's grant, or the grant has no such part.
            ConsentRefused: the grant or the part is not active.
        """
        return self._change(actor, grant_id, part, Event.GRANT_PAUSED, ClusterState.PAUSED)

    def resume(self, actor: Actor, grant_id: str, part: Part) -> tuple[Appended, ...]:
        """Let releases go on after a pause.

        Raises:
            NotFound: not this person's grant, or the grant has no such part.
            ConsentRefused: the grant or the part is not paused.
        """
        return self._change(actor, grant_id, part, Event.GRANT_RESUMED, ClusterState.ACTIVE)

    def revoke(self, actor: Actor, grant_id: str, part: Part) -> tuple[Appended, ...]:
        """End the grant or one part of it for good. Ending the last category or account ends the grant.

        Raises:
            NotFound: not this person's grant, or the grant has no such part.
            ConsentRefused: it has ended already.
        """
        event = Event.GRANT_REVOKED
        if part.category is not None:
            event = Event.GRANT_CATEGORY_REVOKED
        elif part.account_id is not None:
            event = Event.GRANT_ACCOUNT_REMOVED
        return self._change(actor, grant_id, part, event, ClusterState.REVOKED)

    def give_back(
        self, platform: PlatformActor, grant_id: str, reason: str = "platform-action"
    ) -> tuple[Appended, ...]:
        """End a grant at the wish of the platform that it was given to; one that has ended already is left as it is.

        Raises:
            NotFound: unknown, another platform's, or never approved.
        """
        bank_id = self._sequencer.look_up(lambda session: bank_of(session, platform, grant_id))
        with self._acting([grant_id], [bank_id], ClusterState.REVOKED) as transaction:
            row, now = own_grant(transaction.session, platform, grant_id), self._clock()
            if status_now(row, now)[0].is_final:
                return ()
            set_status(row, GrantStatus.REVOKED, reason, now)
            written = append_and_announce(transaction, entry_of(row, Event.GRANT_REVOKED, platform, reasons=(reason,)))
            end_at_bank_if_last(transaction.session, row, now)
        return (written,)

    def revoke_all(self, actor: Actor, platform_id: str | None = None) -> tuple[Appended, ...]:
        """End every live grant of the person, or those towards one platform; one entry for each that ended."""
        return self._change_all(actor, platform_id, Event.GRANT_REVOKED, ClusterState.REVOKED)

    def pause_all(self, actor: Actor, platform_id: str | None = None) -> tuple[Appended, ...]:
        """Pause every active grant of the person, or those towards one platform; one entry for each."""
        return self._change_all(actor, platform_id, Event.GRANT_PAUSED, ClusterState.PAUSED)

    def resume_all(self, actor: Actor, platform_id: str | None = None) -> tuple[Appended, ...]:
        """Resume every paused grant of the person, or those towards one platform; one entry for each."""
        return self._change_all(actor, platform_id, Event.GRANT_RESUMED, ClusterState.ACTIVE)

    def _change(
        self, actor: Actor, grant_id: str, part: Part, event: Event, state: ClusterState
    ) -> tuple[Appended, ...]:
        bank_id = self._sequencer.look_up(lambda session: bank_of(session, actor, grant_id))
        with self._acting([grant_id], [bank_id], state) as transaction:
            row = own_grant(transaction.session, actor, grant_id)
            written = self._apply(transaction, row, actor, part, event=event, state=state)
        return tuple(written)

    def _change_all(
        self, actor: Actor, platform_id: str | None, event: Event, state: ClusterState
    ) -> tuple[Appended, ...]:
        written: list[Appended] = []
        live = _live_of(actor, platform_id)
        # Again when a further grant has appeared between the look and the locks.
        while grants := self._sequencer.look_up(lambda session: self._fitting(session, live, state)):
            banks = sorted(set(grants.values()))
            with self._acting(grants, banks, state) as transaction:
                for row in transaction.session.scalars(live.with_for_update()):
                    status, _ = status_now(row, self._clock())
                    if row.id in grants and _fits(status, state):
                        written += self._apply(transaction, row, actor, Part(), event=event, state=state)
        return tuple(written)

    @contextmanager
    def _acting(
        self, grant_ids: Collection[str], banks: Sequence[str], state: ClusterState
    ) -> Iterator[LoggedTransaction]:
        """Take the fences, then the logs. What takes sharing back may use the room kept for it on a full disk."""
        takes_back = state is not ClusterState.ACTIVE
        self._sequencer.prepare(banks)  # may wait for witnesses, which nobody does while holding a fence
        with (
            self._fences.exclusive(grant_ids),
            self._sequencer.transaction(banks, from_reserve=takes_back, fenced=True) as transaction,
        ):
            yield transaction

    def _fitting(self, session: Session, live: Select[GrantRow], state: ClusterState) -> dict[str, str]:
        """Return the grants that the act fits, each with its bank."""
        now = self._clock()
        rows = session.scalars(live)
        return {row.id: row.bank_id for row in rows if _fits(status_now(row, now)[0], state)}

    def _apply(
        self,
        transaction: LoggedTransaction,
        row: GrantRow,
        actor: Actor,
        part: Part,
        *,
        event: Event,
        state: ClusterState,
    ) -> list[Appended]:
        now = self._clock()
        status, _ = status_now(row, now)
        if status not in {GrantStatus.ACTIVE, GrantStatus.PAUSED}:
            raise ConsentRefused("This grant has already ended.", code="grant-ended")
        if part.is_whole:
            _set_whole(row, status, state, now)
        else:
            cluster = _part(row, part)
            _check_step(ClusterState(cluster.state), state)
            cluster.state = state.value
            row.updated_at = now
        entry = entry_of(row, event, actor, category=part.category, reasons=("user-action",))
        if part.account_id is not None:
            # Openly that it is one account, so that nobody takes it for the whole; which one, only under a salt.
            entry = replace(entry, part="account", accounts=1, details={"accounts": [part.account_id]})
        written = [append_and_announce(transaction, entry)]
        if state is ClusterState.REVOKED:
            written += self._end_if_nothing_is_left(transaction, row, actor, now)
        return written

    def _end_if_nothing_is_left(
        self, transaction: LoggedTransaction, row: GrantRow, actor: Actor, now: datetime
    ) -> list[Appended]:
        gone = ClusterState.REVOKED.value
        written = []
        is_empty = all(c.state == gone for c in row.categories) or all(a.state == gone for a in row.accounts)
        if is_empty and row.status != GrantStatus.REVOKED.value:
            set_status(row, GrantStatus.REVOKED, "nothing-left", now)
            written.append(
                append_and_announce(transaction, entry_of(row, Event.GRANT_REVOKED, actor, reasons=("nothing-left",)))
            )
        if row.status == GrantStatus.REVOKED.value:
            end_at_bank_if_last(transaction.session, row, now)
        return written


def _live_of(actor: Actor, platform_id: str | None) -> Select[GrantRow]:
    live = [GrantStatus.ACTIVE.value, GrantStatus.PAUSED.value]
    query = select(GrantRow).where(GrantRow.user_id == actor.user_id, GrantRow.status.in_(live)).order_by(GrantRow.id)
    return query if platform_id is None else query.where(GrantRow.platform_id == platform_id)


def _fits(status: GrantStatus, state: ClusterState) -> bool:
    if state is ClusterState.REVOKED:
        return not status.is_final
    return status is (GrantStatus.ACTIVE if state is ClusterState.PAUSED else GrantStatus.PAUSED)


def _set_whole(row: GrantRow, status: GrantStatus, state: ClusterState, now: datetime) -> None:
    if not _fits(status, state):
        raise ConsentRefused("The grant is not in a state in which this can be done.", code="grant-unchanged")
    target = {
        ClusterState.PAUSED: GrantStatus.PAUSED,
        ClusterState.ACTIVE: GrantStatus.ACTIVE,
        ClusterState.REVOKED: GrantStatus.REVOKED,
    }[state]
    set_status(row, target, "user-action", now)


def _part(row: GrantRow, part: Part) -> GrantCategoryRow | GrantAccountRow:
    if part.category is not None and part.account_id is None:
        found: GrantCategoryRow | GrantAccountRow | None = next(
            (category for category in row.categories if category.name == part.category), None
        )
    elif part.account_id is not None and part.category is None:
        found = next((account for account in row.accounts if account.account_id == part.account_id), None)
    else:
        found = None
    if found is None:
        raise NotFound("This grant has no such part.")
    return found


def _check_step(present: ClusterState, wanted: ClusterState) -> None:
    allowed = {
        ClusterState.PAUSED: {ClusterState.ACTIVE},
        ClusterState.ACTIVE: {ClusterState.PAUSED},
        ClusterState.REVOKED: {ClusterState.ACTIVE, ClusterState.PAUSED},
    }[wanted]
    if present not in allowed:
        raise ConsentRefused("This part is not in a state in which this can be done.", code="grant-unchanged")
