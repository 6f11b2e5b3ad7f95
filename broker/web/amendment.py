"""What a request to change a live grant would change, in words: nothing is said by colour alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext

from broker.grants.proposals import Amendment, standing_terms
from broker.policy import Catalogue
from broker.policy.catalogue import Category
from broker.policy.difference import difference
from broker.policy.terms import CategoryTerm, Choice, Terms
from broker.policy.vocabulary import ClusterState, GrantStatus

NEW, MORE, LESS, SAME = "new", "more", "less", "same"
_WORDS = {
    NEW: lazy_gettext("New"),
    MORE: lazy_gettext("More than now"),
    LESS: lazy_gettext("Less than now"),
    SAME: lazy_gettext("As now"),
}
_FIGURES = {
    "frequencyPerDay": lazy_gettext("Looks a day on its own, for each kind of data"),
    "dataLifeDays": lazy_gettext("Days after which it promises to delete what it received"),
}


@dataclass(frozen=True, slots=True)
class Mark:
    """How a request for one category stands to what is shared now; `now` names the present step, if it has steps."""

    tone: str
    now: str = ""
    is_paused: bool = False

    @property
    def words(self) -> str:
        """Return the tone in words."""
        return str(_WORDS[self.tone])


@dataclass(frozen=True, slots=True)
class Differences:
    """Everything on the page that a request for a new grant does not have.

    `marks` are by category. `added`, `raised`, `dropped` and `withdrawn` are the titles of what is new, asked for in a
    higher step, not asked for again, and not offered by the bank any more. `accounts` maps the ids of those shared now
    to whether they are paused.
    """

    marks: Mapping[str, Mark]
    added: tuple[str, ...]
    raised: tuple[str, ...]
    dropped: tuple[str, ...]
    withdrawn: tuple[str, ...]
    figures: tuple[tuple[str, int | None, int | None], ...]
    accounts: Mapping[str, bool]
    is_paused: bool
    ends_at: datetime
    seen_at: datetime


def differences_of(amendment: Amendment, most: Terms, catalogue: Catalogue) -> Differences:
    """Hold what can be had at most against what is shared now; `most` is what the bank allows of it at this instant."""
    grant, present = amendment.grant, standing_terms(amendment.grant)
    found = difference(present, most)
    withdrawn = {name for name in found.removed if amendment.most.category(name) is not None}
    states = {category.term.name: category.state for category in grant.categories}
    marks = {
        term.name: Mark(
            NEW if term.name in found.added else MORE if term.name in found.more else LESS,
            _step(catalogue.categories.get(term.name), present.category(term.name)),
            states.get(term.name) is ClusterState.PAUSED,
        )
        for term in most.categories
        if term.name in {*found.added, *found.more, *found.less}
    }
    same = {
        name: Mark(SAME, is_paused=states.get(name) is ClusterState.PAUSED)
        for name in most.category_names
        if name not in marks
    }
    return Differences(
        marks=marks | same,
        added=tuple(_title(catalogue, name) for name in found.added),
        raised=tuple(_title(catalogue, name) for name in found.more),
        dropped=tuple(_title(catalogue, name) for name in found.removed if name not in withdrawn),
        withdrawn=tuple(_title(catalogue, name) for name in found.removed if name in withdrawn),
        figures=tuple((str(text), *found.figures[name]) for name, text in _FIGURES.items() if name in found.figures),
        accounts={a.account_id: a.state is ClusterState.PAUSED for a in grant.accounts if _stands(a.state)},
        is_paused=grant.status is GrantStatus.PAUSED,
        ends_at=grant.expires_at,
        seen_at=grant.updated_at,
    )


def former_choice(amendment: Amendment, most: Terms) -> Choice:
    """Return what the person chose before, as far as it is asked for: the page begins with it and ticks nothing new."""
    present = standing_terms(amendment.grant)
    kept = list(_kept(present, most))
    return Choice(
        categories=tuple(term.name for term in kept),
        accounts=tuple(account.account_id for account in amendment.grant.accounts if _stands(account.state)),
        duration_days=min(present.duration_days or 0, most.duration_days or 0) or None,
        lookback_days=min(present.lookback_days, most.lookback_days),
        details={term.name: term.detail for term in kept if term.detail is not None},
        precisions={term.name: term.precision for term in kept if term.precision is not None},
    )


def _kept(present: Terms, most: Terms) -> Iterator[CategoryTerm]:
    """Yield what is shared now and asked for, in the step of now or the lesser one that is asked for."""
    for term in present.categories:
        asked = most.category(term.name)
        if asked is not None:
            yield term if term.is_within(asked) else asked


def _stands(state: ClusterState) -> bool:
    return state is not ClusterState.REVOKED


def _title(catalogue: Catalogue, name: str) -> str:
    category = catalogue.categories.get(name)
    return category.title if category else name


def _step(category: Category | None, term: CategoryTerm | None) -> str:
    if category is None or term is None:
        return ""
    if term.detail is not None:
        return category.details.get(term.detail, term.detail.value)
    return category.precisions.get(term.precision, term.precision.value) if term.precision is not None else ""
