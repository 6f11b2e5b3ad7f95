"""The acts of deleting on request: a person asks, the platform acknowledges, the platform says what it has done.

Each stands in the bank's log; the platform is told of the request by the outbox of the same transaction.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from broker.audit.sequencer import LoggedTransaction, Sequencer
from broker.audit.vocabulary import Appended, Entry, Event
from broker.clock import Clock, rfc3339
from broker.errors import ConsentRefused, InvalidRequest, NotFound
from broker.events.announcing import announce
from broker.events.vocabulary import EventType
from broker.grants.acts import Actor, PlatformActor, bank_of, entry_of, own_grant
from broker.grants.announcing import append_and_announce
from broker.grants.deletion_views import Deletion, KeptBecause, Statement, view
from broker.grants.models import DeletionRow, GrantRow
from broker.platforms.service import find as find_platform
from broker.policy.terms import Terms
from broker.storage.base import new_id

_Answer = Callable[[DeletionRow, GrantRow, datetime], Entry | None]


class Deletions:
    """Requests to delete. `longest` is the most time that a platform gets, whatever it promised.

    No fence is taken: none of these acts changes what may be released.
    """

    def __init__(self, sequencer: Sequencer, clock: Clock, longest: timedelta) -> None:
        self._sequencer = sequencer
        self._clock = clock
        self._longest = longest

    def request(self, actor: Actor, grant_id: str) -> Appended:
        """Ask the platform of a grant, living or ended, to delete what it has received under it.

        Raises:
            NotFound: not this person's grant.
            ConsentRefused: nothing was ever agreed, it was asked already, or the platform is gone.
            LogUnavailable: it could not be written; nobody was asked.
        """
        bank_id = self._sequencer.look_up(lambda session: bank_of(session, actor, grant_id))
        with self._sequencer.transaction([bank_id]) as transaction:
            session, now = transaction.session, self._clock()
            grant = own_grant(session, actor, grant_id)
            _check(session, grant)
            row = self._new(grant, now)
            session.add(row)
            entry = entry_of(
                grant, Event.DELETION_REQUESTED, actor, reasons=("user-action",), details={"deletion": row.id}
            )
            written = append_and_announce(transaction, entry)
            _tell_platform(session, row, transaction.written_at(bank_id))
            return written

    def acknowledge(self, platform: PlatformActor, deletion_id: str) -> Deletion:
        """Take down that the platform has read the request; once is enough, whatever comes after.

        Raises:
            NotFound: unknown, or another platform's: the same answer for both.
        """

        def answered(row: DeletionRow, grant: GrantRow, now: datetime) -> Entry | None:
            if row.acknowledged_at is not None or row.completed_at is not None:
                return None
            row.acknowledged_at = now
            return entry_of(grant, Event.DELETION_ACKNOWLEDGED, platform, details={"deletion": row.id})

        return self._answer(platform, deletion_id, answered)

    def complete(
        self, platform: PlatformActor, deletion_id: str, statement: Statement, kept_because: KeptBecause | None
    ) -> Deletion:
        """Take down that the platform has done it, by its word; the same word again changes nothing.

        Raises:
            InvalidRequest: a part is kept without a reason, or a reason is given where nothing is kept.
            NotFound: unknown, or another platform's: the same answer for both.
            ConsentRefused: it has said otherwise before.
        """
        if (statement is Statement.PARTLY_RETAINED) != (kept_because is not None):
            raise InvalidRequest("A reason goes with partly-retained, and partly-retained with a reason.")

        def answered(row: DeletionRow, grant: GrantRow, now: datetime) -> Entry | None:
            if row.completed_at is not None:
                if (row.statement, row.kept_because) == (statement, kept_because):
                    return None
                text = "The platform has said already what it has done, and said it otherwise."
                raise ConsentRefused(text, code="deletion-completed")
            row.completed_at, row.statement, row.kept_because = now, statement.value, kept_because
            reasons = () if kept_because is None else (kept_because.value,)
            return entry_of(grant, Event.DELETION_COMPLETED, platform, reasons=reasons, details={"deletion": row.id})

        return self._answer(platform, deletion_id, answered)

    def _new(self, grant: GrantRow, now: datetime) -> DeletionRow:
        promised = timedelta(days=Terms.from_json(grant.terms or grant.asked).data_life_days)
        return DeletionRow(
            id=new_id(now),
            grant_id=grant.id,
            platform_id=grant.platform_id,
            requested_at=now,
            respond_by=now + min(self._longest, promised),
        )

    def _answer(self, platform: PlatformActor, deletion_id: str, answered: _Answer) -> Deletion:
        bank_id = self._sequencer.look_up(lambda session: _bank_of(session, platform, deletion_id))
        with self._sequencer.transaction([bank_id]) as transaction:
            row, now = _own(transaction, platform, deletion_id), self._clock()
            entry = answered(row, transaction.session.get_one(GrantRow, row.grant_id), now)
            if entry is not None:
                append_and_announce(transaction, entry)
            return view(row, now)


def _check(session: Session, grant: GrantRow) -> None:
    if grant.authorised_at is None:
        raise ConsentRefused("Nothing was shared with this app, so it has nothing to delete.", code="deletion-needless")
    still_open = select(DeletionRow.id).where(DeletionRow.grant_id == grant.id, DeletionRow.completed_at.is_(None))
    if session.scalar(still_open) is not None:
        raise ConsentRefused(
            "You have asked this app already. It has not said yet that it is done.", code="deletion-open"
        )
    if find_platform(session, grant.platform_id) is None:
        raise ConsentRefused(
            "This app is no longer connected to us, so we cannot tell it. Please ask it yourself.",
            code="deletion-unreachable",
        )


def _tell_platform(session: Session, row: DeletionRow, now: datetime) -> None:
    announce(
        session,
        receiver=row.platform_id,
        grant_id=row.grant_id,
        event_type=EventType.DELETION_REQUESTED,
        claims={
            "deletion_id": row.id,
            "respond_by": rfc3339(row.respond_by),
        },
        now=now,
    )


def _bank_of(session: Session, platform: PlatformActor, deletion_id: str) -> str:
    query = select(GrantRow.bank_id).join(DeletionRow, DeletionRow.grant_id == GrantRow.id)
    found = session.scalar(query.where(_is_theirs(platform, deletion_id)))
    if found is None:
        raise NotFound("There is no such request to this client.")
    return found


def _own(transaction: LoggedTransaction, platform: PlatformActor, deletion_id: str) -> DeletionRow:
    """Return the request, locked; what counts is read again under the log's lock."""
    query = select(DeletionRow).where(_is_theirs(platform, deletion_id))
    row = transaction.session.scalars(query.with_for_update().execution_options(populate_existing=True)).first()
    if row is None:
        raise NotFound("There is no such request to this client.")
    return row


def _is_theirs(platform: PlatformActor, deletion_id: str) -> ColumnElement[bool]:
    return and_(DeletionRow.id == deletion_id, DeletionRow.platform_id == platform.platform_id)
