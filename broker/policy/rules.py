"""The rules: one question, one decision with every reason to refuse that was found."""

from collections.abc import Iterator

from broker.policy.catalogue import BankFacts, Catalogue, Purpose
from broker.policy.contexts import Off, ReleaseContext, RequestContext
from broker.policy.decision import Decision, Reason
from broker.policy.terms import Terms
from broker.policy.vocabulary import ClusterState, DurationType, GrantStatus


def decide(catalogue: Catalogue, context: RequestContext | ReleaseContext) -> Decision:
    """Judge one question; allowed means that no reason to refuse was found."""
    if isinstance(context, RequestContext):
        return Decision(catalogue.digest, tuple(_request(catalogue, context)), context.to_json())
    return Decision(catalogue.digest, tuple(_release(catalogue, context)), context.to_json())


def _request(catalogue: Catalogue, context: RequestContext) -> Iterator[Reason]:
    terms = context.terms
    purpose = catalogue.purposes.get(terms.purpose)
    if purpose is None:
        forbidden = catalogue.forbidden.get(terms.purpose)
        title = forbidden.title if forbidden else "This purpose"
        yield Reason("purpose-forbidden", "purpose.closed-list", f"{title} is not an allowed purpose.")
        return
    if purpose.code not in context.platform.purposes:
        yield Reason("purpose-forbidden", "platform.purposes", "The platform is not registered for this purpose.")
    if not terms.categories:
        yield Reason("category-not-granted", "request.empty", "The request names no category.")
    for name in terms.category_names:
        if name not in purpose.needs or name not in catalogue.categories:
            yield Reason("category-not-granted", "purpose.categories", f"{name} is not allowed for this purpose.")
        elif name not in context.platform.categories:
            yield Reason("category-not-granted", "platform.categories", f"The platform may not ask for {name}.")
    yield from _ceilings(terms, purpose)
    if context.bank_id is not None:
        yield from _bank(context.bank, terms)
    yield from _switches(context.off)


def _switches(off: frozenset[Off]) -> Iterator[Reason]:
    if off - {Off.CATEGORY}:
        yield Reason("grant-suspended", "bank.switches", "The bank or the operator has turned this off for now.")
    if Off.CATEGORY in off:
        yield Reason("category-off", "bank.switches", "The bank or the operator has turned this off for now.")


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
    GrantStatus.SUSPENDED: ("grant-suspended", "The bank or the operator has turned this off for now."),
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
    bank = context.bank
    if bank is None or context.category not in bank.categories or context.purpose not in bank.purposes:
        yield Reason("category-off", "bank.categories", "The bank does not offer this category at the moment.")
    yield from _switches(context.off)
    for state in context.account_states.values():
        if state is not ClusterState.ACTIVE:
            yield Reason("account-not-granted", "grant.accounts", "The person does not share this account.")
            break


def _category(context: ReleaseContext) -> Iterator[Reason]:
    if context.category_state is ClusterState.REVOKED:
        yield Reason("category-revoked", "grant.categories", "The person has stopped sharing this category.")
    elif context.category_state is ClusterState.PAUSED:
        yield Reason("category-paused", "grant.categories", "The person has paused this category.")
    elif context.term is None or context.category_state is None or context.category not in context.token_categories:
        yield Reason("category-not-granted", "grant.categories", "The person has not granted this category.")
