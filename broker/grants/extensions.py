"""Renewing a live grant: its person lets the same go on for longer, without the app having to ask.

Ordered like an amendment and judged like an approval: the fence, then the bank's log, then the policies, then the rows.
Nothing gets wider: it goes on for at most as long again as was agreed, and what was taken back stays taken back.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from broker.audit.sequencer import LoggedTransaction, Sequencer
from broker.audit.vocabulary import Appended, Event
from broker.clock import Clock
from broker.crypto.sealing import Sealer
from broker.errors import ConsentRefused
from broker.grants.acts import Actor, bank_of, entry_of, own_grant
from broker.grants.amendment_rows import told_of_change
from broker.grants.announcing import append_and_announce
from broker.grants.consents import Asker, decide_now, offered_now, raise_if_refused, rejection_of
from broker.grants.contents import OfferedAccount, write_contents
from broker.grants.fence import Fences
from broker.grants.models import GrantRow
from broker.grants.proposals import is_amendable, standing_terms
from broker.grants.versions import begin_next_version, keep_version
from broker.grants.views import Grant, view
from broker.policy import Catalogue, Decision
from broker.policy.terms import Terms
from broker.policy.vocabulary import ClusterState
from broker.switches.reader import concerning

RENEWED = "renewed"
_PART = "amendment"
_LEAST = timedelta(days=1)
Lengthen = Callable[[Session, str, datetime], None]
"""Lets the refresh tokens of a grant live as long as the grant does now."""


class Extensions:
    """The one act by which a person lets a grant go on. Until it is done, the grant stays exactly as it is."""

    def __init__(
        self,
        sequencer: Sequencer,
        fences: Fences,
        catalogue: Catalogue,
        sealer: Sealer,
        clock: Clock,
        *,
        lengthen: Lengthen,
    ) -> None:
        self._sequencer = sequencer
        self._fences = fences
        self._catalogue = catalogue
        self._sealer = sealer
        self._clock = clock
        self._lengthen = lengthen

    def extend(
        self,
        actor: Actor,
        grant_id: str,
        asker: Asker,
        days: int,
        offered: Sequence[OfferedAccount],
        *,
        seen_at: datetime,
    ) -> Appended:
        """Let the person's grant end so many days from now, and return where the log says so; a pause stays one.

        `offered` are the accounts that the bank has just listed: those it lists no more are left out. `seen_at` is the
        grant's `updated_at` on the page.

        Raises:
            NotFound: not this person's grant.
            ConsentRefused: it has ended, has changed since the page, would end no later, or last longer than agreed.
            PolicyRefused: the policies or the bank's facts allow it no more (logged as `grant.rejected`).
        """
        bank_id = self._sequencer.look_up(lambda session: bank_of(session, actor, grant_id))
        self._sequencer.prepare([bank_id])  # may wait for witnesses, which nobody does while holding a fence
        with self._fences.exclusive([grant_id]), self._sequencer.transaction([bank_id], fenced=True) as transaction:
            row, now = own_grant(transaction.session, actor, grant_id), self._clock()
            grant = self._view(transaction.session, row, now)
            _check(grant, days, seen_at, now)
            terms = replace(standing_terms(grant), duration_days=days)
            picked = _still_there(grant, offered_now(transaction.session, self._catalogue, bank_id, offered))
            decision = decide_now(transaction.session, self._catalogue, asker, terms, bank_id)
            if decision.is_allowed:
                written = self._extend(transaction, row, actor, terms, picked, decision=decision)
            else:
                written = append_and_announce(transaction, rejection_of(row, actor, decision, part=_PART))
        raise_if_refused(decision)
        return written

    def _extend(
        self,
        transaction: LoggedTransaction,
        row: GrantRow,
        actor: Actor,
        terms: Terms,
        picked: Sequence[OfferedAccount],
        *,
        decision: Decision,
    ) -> Appended:
        session, now, before = transaction.session, self._clock(), Terms.from_json(row.terms or row.asked)
        begin_next_version(session, row, now)
        write_contents(row, terms, picked, self._sealer, now)
        keep_version(session, row, Event.GRANT_AMENDED, now)
        self._lengthen(session, row.id, row.expires_at)
        details = told_of_change(before, row, terms) | decision.details()
        digest, reasons = decision.policy_digest, (RENEWED,)
        return append_and_announce(
            transaction,
            entry_of(row, Event.GRANT_AMENDED, actor, reasons=reasons, policy_digest=digest, details=details),
        )

    def _view(self, session: Session, row: GrantRow, now: datetime) -> Grant:
        switches = concerning(session, row.bank_id, row.platform_id)
        return view(row, row.categories, row.accounts, self._sealer, now, switches=switches)


def lengths(grant: Grant, now: datetime, steps: Sequence[int]) -> list[int]:
    """Return in how many days the grant may be made to end: no longer than agreed, and a day later at least."""
    agreed = grant.terms.duration_days
    if agreed is None or not is_amendable(grant):
        return []
    return [n for n in sorted({*steps, agreed}) if n <= agreed and now + timedelta(days=n) >= grant.expires_at + _LEAST]


def _check(grant: Grant, days: int, seen_at: datetime, now: datetime) -> None:
    if not is_amendable(grant):
        raise ConsentRefused("This permission has ended, or was for one time only.", code="grant-ended")
    if grant.updated_at != seen_at:
        raise ConsentRefused("This permission has changed meanwhile. Look at it again.", code="grant-changed")
    if days not in lengths(grant, now, [days]):
        raise ConsentRefused(
            "It cannot end then: no sooner than now, and no longer than agreed.", code="consent-too-wide"
        )


def _still_there(grant: Grant, offered: Sequence[OfferedAccount]) -> list[OfferedAccount]:
    """Return the accounts that the person shares still and the bank lists still.

    Raises:
        ConsentRefused: none is left.
    """
    standing = {account.account_id for account in grant.accounts if account.state is not ClusterState.REVOKED}
    picked = [account for account in offered if account.account_id in standing]
    if not picked:
        raise ConsentRefused("Your bank lists none of these accounts any more.", code="consent-empty")
    return picked
