"""Consent: propose, approve, refuse. The person can only narrow what was asked (invariant 5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from broker.audit.sequencer import LoggedTransaction, Sequencer
from broker.audit.vocabulary import Entry, Event
from broker.banks.facts import in_force
from broker.clock import Clock
from broker.crypto.pairwise import PairwiseIds
from broker.crypto.sealing import Sealer
from broker.errors import ConsentRefused, PolicyRefused
from broker.grants.acts import Actor, bank_of, end_at_bank_if_last, entry_of, own_grant, set_status
from broker.grants.announcing import append_and_announce
from broker.grants.choosing import chosen_terms
from broker.grants.contents import OfferedAccount, write_contents
from broker.grants.models import GrantRow
from broker.grants.views import status_now
from broker.policy import Catalogue, Decision, PlatformFacts, RequestContext, decide
from broker.policy.terms import Choice, Terms
from broker.policy.vocabulary import GrantStatus
from broker.storage.base import new_id
from broker.storage.single_use import Claim, claim
from broker.switches.reader import concerning
from broker.switches.views import off_categories, off_for
from broker.users.moves import has_moved

PROPOSAL_LIFE = timedelta(minutes=10)
_CONSENT = "consent"


@dataclass(frozen=True, slots=True)
class Asker:
    """The platform that asks, with what it is registered for."""

    platform_id: str
    purposes: frozenset[str]
    categories: frozenset[str]

    @property
    def facts(self) -> PlatformFacts:
        """Return what the policies ask of it."""
        return PlatformFacts(self.platform_id, self.purposes, self.categories)


@dataclass(frozen=True, slots=True)
class Answer:
    """Where the decision is to be brought: an opaque single-use key, a path of ours and the origin it leads to."""

    key: str
    path: str
    origin: str


class Consents:
    """The acts by which a proposal becomes a grant or is refused."""

    def __init__(
        self, sequencer: Sequencer, catalogue: Catalogue, sealer: Sealer, pairwise: PairwiseIds, clock: Clock
    ) -> None:
        self._sequencer = sequencer
        self._catalogue = catalogue
        self._sealer = sealer
        self._pairwise = pairwise
        self._clock = clock

    def propose(self, actor: Actor, asker: Asker, terms: Terms, bank_id: str, answer: Answer) -> str:
        """Store a proposal for this person at this bank and return its id; it dies unapproved after 10 minutes.

        Figures that the request left to the defaults are cut to the bank's ceilings; so the person reads them.

        Raises:
            ConsentRefused: the person is nobody any more: the account was closed, or linked, while they were asked.
            PolicyRefused: the policies or the bank's facts do not allow it (logged as `grant.rejected`).
        """
        with self._sequencer.transaction([bank_id]) as transaction:
            if has_moved(transaction.session, actor.user_id, bank_id):
                raise ConsentRefused("You are not signed in any more. Start again.", code="consent-decided")
            terms = at_bank(transaction.session, self._catalogue, terms, bank_id)
            decision = decide_now(transaction.session, self._catalogue, asker, terms, bank_id)
            row = self._proposal(actor, asker, terms, bank_id, answer)
            transaction.session.add(row)
            transaction.session.flush()
            if decision.is_allowed:
                details = {"asked": terms.to_json(), **decision.details()}
                append_and_announce(
                    transaction,
                    entry_of(row, Event.GRANT_PROPOSED, actor, policy_digest=decision.policy_digest, details=details),
                )
            else:
                self._reject(transaction, row, actor, decision)
        raise_if_refused(decision)
        return row.id

    def approve(
        self, actor: Actor, grant_id: str, asker: Asker, choice: Choice, offered: Sequence[OfferedAccount]
    ) -> None:
        """Turn the proposal into a live grant with what the person chose.

        `offered` are the accounts that the bank has just listed for this person.

        Raises:
            NotFound: not this person's proposal.
            ConsentRefused: decided before, expired, an empty choice, or one wider than what was asked.
            PolicyRefused: the policies changed since; the proposal is rejected, and that is logged first.
        """
        with self._sequencer.transaction([self._bank_of(actor, grant_id)]) as transaction:
            now = self._clock()
            row = own_grant(transaction.session, actor, grant_id)
            asked = Terms.from_json(row.asked)
            left = left_now(transaction.session, self._catalogue, asked, row.bank_id)
            offered = offered_now(transaction.session, self._catalogue, row.bank_id, offered)
            terms = chosen_terms(left, choice, row.bank_id, {account.account_id for account in offered}, before=asked)
            row.notice = notice_shown(self._catalogue, choice, row.notice)
            take_decision(transaction.session, status_now(row, now), row.consent_key, now)
            decision = decide_now(transaction.session, self._catalogue, asker, terms, row.bank_id)
            if decision.is_allowed:
                picked = [account for account in offered if account.account_id in choice.accounts]
                set_status(row, GrantStatus.ACTIVE, "approved", now)
                row.authorised_at = now
                write_contents(row, terms, picked, self._sealer, now)
                details = {"terms": terms.to_json(), "accounts": list(choice.accounts), "notice": row.notice}
                details |= decision.details()
                append_and_announce(
                    transaction,
                    entry_of(row, Event.GRANT_APPROVED, actor, policy_digest=decision.policy_digest, details=details),
                )
            else:
                self._reject(transaction, row, actor, decision)
        raise_if_refused(decision)

    def refuse(self, actor: Actor, grant_id: str) -> None:
        """Record that the person said no.

        Raises:
            NotFound: not this person's proposal.
            ConsentRefused: decided before or expired.
        """
        with self._sequencer.transaction([self._bank_of(actor, grant_id)]) as transaction:
            now = self._clock()
            row = own_grant(transaction.session, actor, grant_id)
            take_decision(transaction.session, status_now(row, now), row.consent_key, now)
            set_status(row, GrantStatus.REJECTED, "user-refused", now)
            append_and_announce(transaction, entry_of(row, Event.GRANT_REFUSED, actor, reasons=("user-refused",)))
            end_at_bank_if_last(transaction.session, row, now)

    def _bank_of(self, actor: Actor, grant_id: str) -> str:
        """Look up which log to lock; everything that counts is read again under the lock."""
        return self._sequencer.look_up(lambda session: bank_of(session, actor, grant_id))

    def _proposal(self, actor: Actor, asker: Asker, terms: Terms, bank_id: str, answer: Answer) -> GrantRow:
        now = self._clock()
        return GrantRow(
            id=new_id(now),
            version=1,
            status=GrantStatus.AWAITING_AUTHORISATION.value,
            status_code="proposed",
            status_at=now,
            user_id=actor.user_id,
            bank_id=bank_id,
            platform_id=asker.platform_id,
            subject_id=self._pairwise.of("subject", asker.platform_id, actor.user_id),
            purpose=terms.purpose,
            asked=terms.to_json(),
            notice=notice_of(self._catalogue),
            consent_key=answer.key,
            return_path=answer.path,
            return_origin=answer.origin,
            created_at=now,
            updated_at=now,
            expires_at=now + PROPOSAL_LIFE,
            use_count=0,
        )

    def _reject(self, transaction: LoggedTransaction, row: GrantRow, actor: Actor, decision: Decision) -> None:
        now = self._clock()
        set_status(row, GrantStatus.REJECTED, decision.codes[0], now)
        append_and_announce(transaction, rejection_of(row, actor, decision))
        end_at_bank_if_last(transaction.session, row, now)


def at_bank(session: Session, catalogue: Catalogue, terms: Terms, bank_id: str) -> Terms:
    """Return what a request asks for at a bank, by the bank's facts as they stand in this transaction."""
    bank = in_force(session, catalogue, bank_id).bank
    return terms if bank is None else bank.cut(terms)


def left_now(session: Session, catalogue: Catalogue, asked: Terms, bank_id: str) -> Terms:
    """Return what the bank still allows of what was asked, as its facts stand in this transaction."""
    bank = in_force(session, catalogue, bank_id).bank
    return asked if bank is None else bank.left_of(asked)


def offered_now(
    session: Session, catalogue: Catalogue, bank_id: str, listed: Sequence[OfferedAccount]
) -> list[OfferedAccount]:
    """Return the accounts that the bank lets be shared, as its facts stand in this transaction.

    It may have left out joint ones since it listed these.
    """
    bank = in_force(session, catalogue, bank_id).bank
    return [account for account in listed if not account.is_joint or (bank is not None and bank.joint_accounts)]


def decide_now(session: Session, catalogue: Catalogue, asker: Asker, terms: Terms, bank_id: str) -> Decision:
    """Ask the policies whether these terms may be granted at this bank, as things stand in this transaction.

    It holds the lock of the bank's log: neither its facts nor a switch can change before the entry stands.
    """
    rules = in_force(session, catalogue, bank_id)
    switches = concerning(session, bank_id, asker.platform_id)
    context = RequestContext(
        platform=asker.facts,
        terms=terms,
        bank_id=bank_id,
        bank=rules.bank,
        off=off_for(switches),
        off_categories=off_categories(switches),
    )
    return decide(rules.catalogue, context)


def rejection_of(row: GrantRow, actor: Actor, decision: Decision, *, part: str | None = None) -> Entry:
    """Describe for the log that the policies said no, with the rules that did."""
    return entry_of(
        row,
        Event.GRANT_REJECTED,
        actor,
        part=part,
        reasons=decision.leading_codes,
        policy_digest=decision.policy_digest,
        details=decision.details(),
    )


def notice_of(catalogue: Catalogue) -> dict[str, Any]:
    """Name the words of the consent page, exactly: what a person says yes to is theirs too."""
    return {
        "id": "consent",
        "version": catalogue.notice_version,
        "sha256": catalogue.notice_digest,
        "language": catalogue.language,
    }


def notice_shown(catalogue: Catalogue, choice: Choice, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Name the words that the person read, in the language they were shown in; `asked` is the request's own notice.

    Raises:
        ConsentRefused: the page showed words that are no longer these, or never were.
    """
    if choice.notice in {"", asked["sha256"]}:
        return dict(asked)
    for code in (catalogue.language, *catalogue.words):
        spoken = catalogue.in_language(code)
        if spoken.notice_digest == choice.notice:
            return notice_of(spoken)
    raise ConsentRefused("The words of this page have changed. Please read it again.", code="consent-words-changed")


def take_decision(session: Session, status: tuple[GrantStatus, str], consent_key: str, now: datetime) -> None:
    """Let the first decision on a request win, over all its proposals (two tabs, two banks, double clicks).

    `status` is where the proposal stands now, with its code.

    Raises:
        ConsentRefused: the proposal has expired, or the request has been decided.
    """
    if status == (GrantStatus.EXPIRED, "unapproved"):
        raise ConsentRefused("This request has expired. Go back to the app and start again.", code="consent-expired")
    wish = Claim(_CONSENT, consent_key, now + PROPOSAL_LIFE)
    if status[0] is not GrantStatus.AWAITING_AUTHORISATION or not claim(session, wish):
        raise ConsentRefused("This request has already been answered.", code="consent-decided")


def raise_if_refused(decision: Decision) -> None:
    """Raise after the refusal is committed, never before.

    Raises:
        PolicyRefused: the policies refuse.
    """
    if not decision.is_allowed:
        reason = decision.reasons[0]
        raise PolicyRefused(reason.text, code=reason.code, rule=reason.rule)
