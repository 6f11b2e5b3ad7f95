"""Narrowing a live grant: its person lets less out from now on, and neither the app nor the bank is asked.

Ordered like a revocation: the fence, then the bank's log, then the rows. What stands is lowered and nothing else, so
there is nothing that the policies would have to allow; they judge each release by what is left.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.audit.sequencer import Sequencer
from broker.audit.vocabulary import Appended, Event
from broker.clock import Clock
from broker.crypto.sealing import Sealer
from broker.errors import ConsentRefused
from broker.grants.acts import Actor, bank_of, entry_of, own_grant
from broker.grants.amendment_rows import told_of_change
from broker.grants.announcing import append_and_announce
from broker.grants.fence import Fences
from broker.grants.proposals import is_amendable
from broker.grants.versions import begin_next_version, keep_version
from broker.grants.views import Grant, view
from broker.policy import Catalogue
from broker.policy.terms import CategoryTerm, Choice, Terms, narrowed
from broker.policy.vocabulary import Detail, Precision
from broker.switches.reader import concerning

NARROWED = "narrowed"


@dataclass(frozen=True, slots=True)
class Less:
    """What a person lowers; what is not named stays. Steps are by category; days are whole, `ends_in_days` from now."""

    details: Mapping[str, Detail]
    precisions: Mapping[str, Precision]
    lookback_days: int | None = None
    ends_in_days: int | None = None


class Narrowing:
    """The one act by which a person lowers what a grant lets out; a pause stays one."""

    def __init__(
        self, sequencer: Sequencer, fences: Fences, catalogue: Catalogue, sealer: Sealer, clock: Clock
    ) -> None:
        self._sequencer = sequencer
        self._fences = fences
        self._catalogue = catalogue
        self._sealer = sealer
        self._clock = clock

    def narrow(self, actor: Actor, grant_id: str, less: Less, *, seen_at: datetime) -> Appended:
        """Lower what the person's grant lets out, and return where the log says so.

        `seen_at` is the grant's `updated_at` on the page.

        Raises:
            NotFound: not this person's grant.
            ConsentRefused: it has ended, has changed since the page, would become wider, or would stay as it is.
        """
        bank_id = self._sequencer.look_up(lambda session: bank_of(session, actor, grant_id))
        self._sequencer.prepare([bank_id])  # may wait for witnesses, which nobody does while holding a fence
        with self._fences.exclusive([grant_id]), self._sequencer.transaction([bank_id], fenced=True) as transaction:
            session, now = transaction.session, self._clock()
            row = own_grant(session, actor, grant_id)
            switches = concerning(session, row.bank_id, row.platform_id)
            grant = view(row, row.categories, row.accounts, self._sealer, now, switches=switches)
            terms = self._lowered(grant, less, seen_at, now)
            begin_next_version(session, row, now)
            row.terms = terms.to_json()
            if less.ends_in_days is not None:
                row.expires_at = now + timedelta(days=less.ends_in_days)
            for category in row.categories:
                term = terms.category(category.name)
                category.detail, category.precision = (term.detail, term.precision) if term else (None, None)
            keep_version(session, row, Event.GRANT_AMENDED, now)
            details = told_of_change(grant.terms, row, terms)
            entry = entry_of(row, Event.GRANT_AMENDED, actor, reasons=(NARROWED,), details=details)
            return append_and_announce(transaction, entry)

    def _lowered(self, grant: Grant, less: Less, seen_at: datetime, now: datetime) -> Terms:
        if not is_amendable(grant):
            raise ConsentRefused("This permission has ended, or was for one time only.", code="grant-ended")
        if grant.updated_at != seen_at:
            raise ConsentRefused("This permission has changed meanwhile. Look at it again.", code="grant-changed")
        names = grant.terms.category_names
        choice = Choice(names, (), less.ends_in_days, less.lookback_days, less.details, less.precisions)
        terms = narrowed(grant.terms, choice, grant.bank_id)
        if not self._is_less(grant, less, terms, now):
            raise ConsentRefused("What an app sees can only become less here.", code="consent-too-wide")
        if terms == grant.terms and less.ends_in_days is None:
            raise ConsentRefused("Nothing would be less. Choose something smaller.", code="grant-unchanged")
        return terms

    def _is_less(self, grant: Grant, less: Less, terms: Terms, now: datetime) -> bool:
        days, named = less.ends_in_days, {*less.details, *less.precisions}
        ends_sooner = days is None or (days >= 1 and now + timedelta(days=days) < grant.expires_at)
        is_known = named <= set(grant.terms.category_names) and all(
            term in grant.terms.categories or self._offers(term) for term in terms.categories
        )
        return is_known and ends_sooner and terms.is_within(grant.terms) and terms.lookback_days >= 1

    def _offers(self, term: CategoryTerm) -> bool:
        category = self._catalogue.categories.get(term.name)
        return category is not None and category.has_steps(term)
