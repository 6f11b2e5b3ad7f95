"""The rules: one question, one decision with every reason to refuse that was found."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from broker.policy.catalogue import BankFacts, Catalogue, Purpose
from broker.policy.decision import Decision, Reason
from broker.policy.terms import CategoryTerm, Terms
from broker.policy.vocabulary import ClusterState, DurationType, GrantStatus


@dataclass(frozen=True, slots=True)
class RequestContext:
    """May this platform ask for (or be granted) these terms? `bank` is None while no bank is known."""

    platform_purposes: frozenset[str]
    platform_categories: frozenset[str]
    terms: Terms
    bank_id: str | None


@dataclass(frozen=True, slots=True)
class Reads:
    """How often the category was read today (UTC) under this grant before this read, and how often it may be.

    `is_attended` is the platform's word that the person is there.
    """

    is_attended: bool
    attended_today: int
    attended_ceiling: int
    unattended_today: int
    unattended_ceiling: int


@dataclass(frozen=True, slots=True)
class ReleaseContext:
    """May this category of these accounts leave now, under this live grant?

    `account_states` maps each account asked for to its state in the grant, None when the grant does not name it.
    `token_categories` is what the access token itself was narrowed to.
    """

    status: GrantStatus
    is_expired: bool
    purpose: str
    bank_id: str
    category: str
    term: CategoryTerm | None
    category_state: ClusterState | None
    token_categories: frozenset[str]
    account_states: dict[str, ClusterState | None]
    reads: Reads

    def to_json(self) -> dict[str, Any]:
        """Return the context as JSON's values: what the log keeps, so that a decision can be judged again."""
        term = self.term
        return {
            "status": self.status.value,
            "isExpired": self.is_expired,
            "purpose": self.purpose,
            "bank": self.bank_id,
            "category": self.category,
            "detail": term.detail.value if term and term.detail else None,
            "precision": term.precision.value if term and term.precision else None,
            "state": self.category_state.value if self.category_state else None,
            "tokenCategories": sorted(self.token_categories),
            "accounts": {name: state.value if state else None for name, state in self.account_states.items()},
            "reads": {
                "isAttended": self.reads.is_attended,
                "attendedToday": self.reads.attended_today,
                "attendedCeiling": self.reads.attended_ceiling,
                "unattendedToday": self.reads.unattended_today,
                "unattendedCeiling": self.reads.unattended_ceiling,
            },
        }


def decide(catalogue: Catalogue, context: RequestContext | ReleaseContext) -> Decision:
    """Judge one question; allowed means that no reason to refuse was found."""
    if isinstance(context, RequestContext):
        return Decision(catalogue.digest, tuple(_request(catalogue, context)))
    return Decision(catalogue.digest, tuple(_release(catalogue, context)), context.to_json())


def _request(catalogue: Catalogue, context: RequestContext) -> Iterator[Reason]:
    terms = context.terms
    purpose = catalogue.purposes.get(terms.purpose)
    if purpose is None:
        forbidden = catalogue.forbidden.get(terms.purpose)
        title = forbidden.title if forbidden else "This purpose"
        yield Reason("purpose-forbidden", "purpose.closed-list", f"{title} is not an allowed purpose.")
        return
    if purpose.code not in context.platform_purposes:
        yield Reason("purpose-forbidden", "platform.purposes", "The platform is not registered for this purpose.")
    if not terms.categories:
        yield Reason("category-not-granted", "request.empty", "The request names no category.")
    for name in terms.category_names:
        if name not in purpose.needs or name not in catalogue.categories:
            yield Reason("category-not-granted", "purpose.categories", f"{name} is not allowed for this purpose.")
        elif name not in context.platform_categories:
            yield Reason("category-not-granted", "platform.categories", f"The platform may not ask for {name}.")
    yield from _ceilings(terms, purpose)
    if context.bank_id is not None:
        yield from _bank(catalogue.banks.get(context.bank_id), terms)


def _ceilings(terms: Terms, purpose: Purpose) -> Iterator[Reason]:
    maximum = purpose.maximum
    for name, asked, ceiling in (
        ("duration_days", 1 if terms.duration_days is None else terms.duration_days, maximum.duration_days),
        ("lookback_days", terms.lookback_days, maximum.lookback_days),
        ("frequency_per_day", terms.frequency_per_day, maximum.frequency_per_day),
        ("data_life_days", terms.data_life_days, maximum.data_life_days),
    ):
        if not 1 <= asked <= ceiling:
            yield Reason("ceiling-exceeded", "purpose.ceiling", f"{name} must be from 1 to this purpose's {ceiling}.")
    if (terms.duration_type is DurationType.ONE_TIME) != (terms.duration_days is None):
        yield Reason("ceiling-exceeded", "request.duration", "ONE_TIME has no duration_days, TIME_BOUND needs one.")


def _bank(bank: BankFacts | None, terms: Terms) -> Iterator[Reason]:
    if bank is None:
        yield Reason("bank-unknown", "bank.facts", "There are no facts for this bank.")
        return
    if terms.purpose not in bank.purposes:
        yield Reason("purpose-forbidden", "bank.purposes", "The bank does not offer this purpose.")
    for name in terms.category_names:
        if name not in bank.categories:
            yield Reason("category-off", "bank.categories", f"The bank does not offer {name}.")
    for name, asked, ceiling in (
        ("duration_days", terms.duration_days or 0, bank.maximum_duration_days),
        ("lookback_days", terms.lookback_days, bank.maximum_lookback_days),
        ("frequency_per_day", terms.frequency_per_day, bank.maximum_frequency_per_day),
    ):
        if asked > ceiling:
            yield Reason("ceiling-exceeded", "bank.ceiling", f"{name} is above the bank's ceiling of {ceiling}.")


_STATUS_REASONS = {
    GrantStatus.PAUSED: ("grant-paused", "The person has paused this grant."),
    GrantStatus.REVOKED: ("grant-revoked", "The person has ended this grant."),
    GrantStatus.EXPIRED: ("grant-expired", "This grant has expired."),
    GrantStatus.REJECTED: ("grant-rejected", "This grant was refused."),
    GrantStatus.AWAITING_AUTHORISATION: ("grant-unknown", "This grant has not been approved."),
}


def _release(catalogue: Catalogue, context: ReleaseContext) -> Iterator[Reason]:
    if context.status is not GrantStatus.ACTIVE:
        code, text = _STATUS_REASONS[context.status]
        yield Reason(code, "grant.status", text)
        return
    if context.is_expired:
        yield Reason("grant-expired", "grant.expiry", "This grant has expired.")
        return
    yield from _category(context)  # first: what was never granted is told as that, whatever the purpose allows
    purpose = catalogue.purposes.get(context.purpose)
    if purpose is None or context.category not in purpose.needs:
        yield Reason("purpose-forbidden", "purpose.categories", "The policies no longer allow this for the purpose.")
    bank = catalogue.banks.get(context.bank_id)
    if bank is None or context.category not in bank.categories or context.purpose not in bank.purposes:
        yield Reason("category-off", "bank.categories", "The bank does not offer this category at the moment.")
    for state in context.account_states.values():
        if state is not ClusterState.ACTIVE:
            yield Reason("account-not-granted", "grant.accounts", "The person does not share this account.")
            break
    reads = context.reads
    if reads.is_attended and reads.attended_today >= reads.attended_ceiling:
        yield Reason("frequency-exceeded", "limits.attended", "This was read as often today as the purpose allows.")
    if not reads.is_attended and reads.unattended_today >= reads.unattended_ceiling:
        text = "This was read as often today as the person allows while they are away."
        yield Reason("frequency-exceeded", "limits.unattended", text)


def _category(context: ReleaseContext) -> Iterator[Reason]:
    if context.category_state is ClusterState.REVOKED:
        yield Reason("category-revoked", "grant.categories", "The person has stopped sharing this category.")
    elif context.category_state is ClusterState.PAUSED:
        yield Reason("category-paused", "grant.categories", "The person has paused this category.")
    elif context.term is None or context.category_state is None or context.category not in context.token_categories:
        yield Reason("category-not-granted", "grant.categories", "The person has not granted this category.")
