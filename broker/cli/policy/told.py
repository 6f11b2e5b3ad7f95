"""What was judged, in sentences for a reader who is a lawyer."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from broker.cli.output import printable
from broker.policy.contexts import Harvest, PlatformFacts, Reads, ReleaseContext, RequestContext
from broker.policy.replay import kept_context
from broker.policy.terms import CategoryTerm, Terms
from broker.policy.vocabulary import DurationType

_LONGEST = 400


def sentences(kept: Mapping[str, Any]) -> list[str]:
    """Say what a context of the log states; what programs sent stands in it, so nothing unprintable passes."""
    try:
        context = kept_context(kept, None)
    except ValueError:
        return ["It is kept in the form of another version of the broker; --json shows it as it is."]
    told = _request(context) if isinstance(context, RequestContext) else _release(context, kept)
    return [printable(sentence, _LONGEST) for sentence in told]


def _request(context: RequestContext) -> Iterator[str]:
    yield _registered(context.platform)
    yield from _terms(context.terms)
    yield f"The bank was {context.bank_id}." if context.bank_id else "No bank was named yet."
    off = _listed(context.off_categories)
    yield f"Switched off: {_listed(context.off)}" + (f", and the categories {off}." if off != _NONE else ".")


def _release(context: ReleaseContext, kept: Mapping[str, Any]) -> Iterator[str]:
    yield _registered(context.platform)
    ended = "its time was over" if context.is_expired else "its time was not over"
    yield f"The permission was {context.status.value}, {ended}; its purpose was {context.purpose}."
    if context.term is None:
        yield f"The permission did not name the category {context.category}."
    else:
        state = context.category_state.value if context.category_state else "unknown"
        yield f"The permission named the category {_term(context.term)}; it was {state}."
    yield f"The access token was for: {_listed(context.token_categories)}."
    yield _accounts(context)
    yield f"Switched off: {_listed(context.off)}."
    yield from _counts(context.reads, context.harvest)
    if page := kept.get("page"):
        yield f"It was part {page.get('number')} of one answer."
    if filters := kept.get("filters"):
        yield f"The question had filters on: {_listed(filters)}."
    if question := kept.get("question"):
        yield f"The question was: {', '.join(f'{name} {value}' for name, value in question.items())}."


def _registered(platform: PlatformFacts) -> str:
    purposes, categories = _listed(platform.purposes), _listed(platform.categories)
    return f"The platform {platform.id} was registered for the purposes {purposes} and the categories {categories}."


def _terms(terms: Terms) -> Iterator[str]:
    yield f"Asked for: {', '.join(map(_term, terms.categories)) or _NONE}; for the purpose {terms.purpose}."
    once = terms.duration_type is DurationType.ONE_TIME
    lasting = "for one read-out" if once else f"for {terms.duration_days} days"
    yield (
        f"That was {lasting}, with {terms.lookback_days} days of history, up to {terms.frequency_per_day} times a day "
        f"without the person, kept for {terms.data_life_days} days."
    )


def _accounts(context: ReleaseContext) -> str:
    states = [state.value if state else "not among those shared" for state in context.account_states.values()]
    counts = {state: states.count(state) for state in dict.fromkeys(states)}
    return f"Accounts asked for: {', '.join(f'{count} {state}' for state, count in counts.items()) or _NONE}."


def _counts(reads: Reads, harvest: Harvest) -> Iterator[str]:
    present = "The platform said that the person was there" if reads.is_attended else "The platform asked on its own"
    yield (
        f"{present}. Before this, the category was read {reads.attended_today} of {reads.attended_ceiling} times that "
        f"day with the person there, and {reads.unattended_today} of {reads.unattended_ceiling} times without."
    )
    held = "It was held in this category" if harvest.is_held else "It was not held in this category"
    yield (
        f"{held}. Of its budgets for gathering, the fullest of people stood at {harvest.people} of "
        f"{harvest.people_ceiling}, that of records at {harvest.records} of {harvest.records_ceiling}."
    )


_NONE = "nothing"


def _term(term: CategoryTerm) -> str:
    steps = [step.value for step in (term.detail, term.precision) if step is not None]
    return f"{term.name} ({', '.join(steps)})" if steps else term.name


def _listed(names: Iterable[Any]) -> str:
    return ", ".join(sorted(map(str, names))) or _NONE
