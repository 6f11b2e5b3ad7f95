"""Amending a live grant: propose, approve, refuse. Until a person approves, the grant's rows stay as they are.

An approval is ordered like a revocation (02, invariant 3): the fence of the grant, then the bank's log, then the rows.
Whatever was released before it was judged by the old version, and nothing is released by it any more afterwards.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from broker.audit.sequencer import LoggedTransaction, Sequencer
from broker.audit.vocabulary import Event
from broker.clock import Clock
from broker.crypto.sealing import Sealer
from broker.errors import ConsentRefused, NotFound
from broker.grants.acts import Actor, bank_of, entry_of, own_grant, set_status
from broker.grants.amendment_rows import new_amendment, place_of, told_of_change
from broker.grants.announcing import append_and_announce
from broker.grants.choosing import chosen_terms
from broker.grants.consents import (
    Answer,
    Asker,
    at_bank,
    decide_now,
    left_now,
    notice_shown,
    offered_now,
    raise_if_refused,
    rejection_of,
    take_decision,
)
from broker.grants.contents import OfferedAccount, write_contents
from broker.grants.fence import Fences
from broker.grants.models import GrantAmendmentRow, GrantRow
from broker.grants.proposals import AmendAction, Amendment, amendment_view, is_amendable, most_of, own_status
from broker.grants.versions import begin_next_version, keep_version
from broker.grants.views import Grant, view
from broker.policy import Catalogue, Decision
from broker.policy.terms import Choice, Terms
from broker.policy.vocabulary import GrantStatus
from broker.switches.reader import concerning

_PART = "amendment"


class Amendments:
    """The acts by which a live grant gets its next version, or stays as it is."""

    def __init__(
        self, sequencer: Sequencer, fences: Fences, catalogue: Catalogue, sealer: Sealer, clock: Clock
    ) -> None:
        self._sequencer = sequencer
        self._fences = fences
        self._catalogue = catalogue
        self._sealer = sealer
        self._clock = clock

    def propose(
        self, actor: Actor, asker: Asker, grant_id: str, action: AmendAction, asked: Terms, *, answer: Answer
    ) -> str:
        """Store a proposal to amend this person's grant and return its id; it dies unapproved after 10 minutes.

        Raises:
            NotFound: not this person's grant towards this platform.
            ConsentRefused: the grant has ended, or is a single read-out.
            PolicyRefused: the policies or the bank's facts do not allow it (logged as `grant.rejected`).
        """
        bank_id = self._sequencer.look_up(lambda session: bank_of(session, actor, grant_id))
        with self._sequencer.transaction([bank_id]) as transaction:
            now = self._clock()
            row = own_grant(transaction.session, actor, grant_id)
            grant = self._view(transaction.session, row, now)
            if row.platform_id != asker.platform_id:
                raise NotFound("There is no such grant towards this app.")
            if not is_amendable(grant):
                raise ConsentRefused("This grant cannot be changed any more.", code="grant-ended")
            asked = at_bank(transaction.session, self._catalogue, asked, bank_id)
            most = most_of(grant, action, asked)
            decision = decide_now(transaction.session, self._catalogue, asker, asked, row.bank_id)
            if decision.is_allowed:  # what stands already may be above a ceiling that was lowered since
                most = left_now(transaction.session, self._catalogue, most, row.bank_id)
                decision = decide_now(transaction.session, self._catalogue, asker, most, row.bank_id)
            found = new_amendment(row, action, asked, answer=answer, catalogue=self._catalogue, now=now)
            transaction.session.add(found)
            if decision.is_allowed:
                details = {"asked": asked.to_json(), **decision.details()}
                digest = decision.policy_digest
                entry = entry_of(row, Event.GRANT_PROPOSED, actor, part=_PART, policy_digest=digest, details=details)
                append_and_announce(transaction, entry)
            else:
                _reject(transaction, found, row, actor, decision, now=now)
        raise_if_refused(decision)
        return found.id

    def approve(
        self,
        actor: Actor,
        amendment_id: str,
        asker: Asker,
        choice: Choice,
        offered: Sequence[OfferedAccount],
        *,
        seen_at: datetime,
    ) -> None:
        """Give the grant its next version with what the person chose; a paused grant goes on.

        `offered` are the accounts that the bank has just listed, `seen_at` is the grant's `updated_at` on the page.

        Raises:
            NotFound: not this person's proposal.
            ConsentRefused: decided before, expired, empty or too wide; or the grant has changed since the page.
            PolicyRefused: the policies changed since; the proposal is rejected, and that is logged first.
        """
        bank_id, grant_id = self._sequencer.look_up(lambda session: place_of(session, actor, amendment_id))
        self._sequencer.prepare([bank_id])  # may wait for witnesses, which nobody does while holding a fence
        with (
            self._fences.exclusive([grant_id]),
            self._sequencer.transaction([bank_id], fenced=True) as transaction,
        ):
            now = self._clock()
            row = own_grant(transaction.session, actor, grant_id)
            found, amendment = self._open(transaction.session, amendment_id, row, now)
            if row.updated_at != seen_at:
                raise ConsentRefused("This permission has changed meanwhile. Look at it again.", code="grant-changed")
            offered = offered_now(transaction.session, self._catalogue, bank_id, offered)
            left = left_now(transaction.session, self._catalogue, amendment.most, bank_id)
            ids = {account.account_id for account in offered}
            terms = chosen_terms(left, choice, bank_id, ids, before=amendment.most)
            notice = notice_shown(self._catalogue, choice, amendment.notice)
            decision = decide_now(transaction.session, self._catalogue, asker, terms, bank_id)
            if decision.is_allowed:
                picked = [account for account in offered if account.account_id in choice.accounts]
                details = self._amend(transaction.session, row, terms, picked, notice=notice)
                details, digest = details | decision.details(), decision.policy_digest
                append_and_announce(
                    transaction, entry_of(row, Event.GRANT_AMENDED, actor, policy_digest=digest, details=details)
                )
                _close(found, GrantStatus.ACTIVE, "amended", now)
            else:
                _reject(transaction, found, row, actor, decision, now=now)
        raise_if_refused(decision)

    def refuse(self, actor: Actor, amendment_id: str) -> None:
        """Record that the person said no, although the grant may have changed or ended; it stays as it is.

        Raises:
            NotFound: not this person's proposal.
            ConsentRefused: decided before or expired.
        """
        bank_id, grant_id = self._sequencer.look_up(lambda session: place_of(session, actor, amendment_id))
        with self._sequencer.transaction([bank_id]) as transaction:
            now = self._clock()
            row = own_grant(transaction.session, actor, grant_id)
            found = _locked(transaction.session, amendment_id)
            take_decision(transaction.session, own_status(found, now), found.consent_key, now)
            _close(found, GrantStatus.REJECTED, "user-refused", now)
            append_and_announce(
                transaction, entry_of(row, Event.GRANT_REFUSED, actor, part=_PART, reasons=("user-refused",))
            )

    def _view(self, session: Session, row: GrantRow, now: datetime) -> Grant:
        switches = concerning(session, row.bank_id, row.platform_id)
        return view(row, row.categories, row.accounts, self._sealer, now, switches=switches)

    def _open(
        self, session: Session, amendment_id: str, row: GrantRow, now: datetime
    ) -> tuple[GrantAmendmentRow, Amendment]:
        """Return the proposal that waits, locked, and take the one decision on its request."""
        found = _locked(session, amendment_id)
        amendment = amendment_view(found, self._view(session, row, now), now)
        if amendment.status_code == "amendment-superseded":
            raise ConsentRefused(
                "This permission has changed or ended since the app asked. Go back to the app and start again.",
                code="amendment-superseded",
            )
        take_decision(session, (amendment.status, amendment.status_code), found.consent_key, now)
        return found, amendment

    def _amend(
        self,
        session: Session,
        row: GrantRow,
        terms: Terms,
        picked: Sequence[OfferedAccount],
        *,
        notice: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Write the next version of the grant and return what its entry tells of it."""
        now, before = self._clock(), Terms.from_json(row.terms or row.asked)
        begin_next_version(session, row, now)
        set_status(row, GrantStatus.ACTIVE, "amended", now)
        row.notice = dict(notice)
        write_contents(row, terms, picked, self._sealer, now)
        keep_version(session, row, Event.GRANT_AMENDED, now)
        return told_of_change(before, row, terms)


def _locked(session: Session, amendment_id: str) -> GrantAmendmentRow:
    return session.get_one(GrantAmendmentRow, amendment_id, with_for_update=True, populate_existing=True)


def _reject(
    transaction: LoggedTransaction,
    found: GrantAmendmentRow,
    row: GrantRow,
    actor: Actor,
    decision: Decision,
    *,
    now: datetime,
) -> None:
    _close(found, GrantStatus.REJECTED, decision.codes[0], now)
    append_and_announce(transaction, rejection_of(row, actor, decision, part=_PART))


def _close(found: GrantAmendmentRow, status: GrantStatus, code: str, now: datetime) -> None:
    found.status, found.status_code, found.decided_at = status.value, code, now
