"""The catalogue: categories, purposes and bank facts as the policy files state them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from broker.policy.answers import Questions
from broker.policy.harvest import Budgets
from broker.policy.terms import CategoryTerm, Terms
from broker.policy.vocabulary import DETAIL_ORDER, PRECISION_ORDER, Detail, DurationType, Precision

if TYPE_CHECKING:  # the engine asks by bank facts, which stand here
    from broker.policy.cedar import Engine


@dataclass(frozen=True, slots=True)
class Field:
    """One field that can leave, with the words for people and the step from which on it does."""

    name: str
    label: str
    from_detail: Detail | None = None
    from_precision: Precision | None = None

    def is_in(self, term: CategoryTerm) -> bool:
        """Say whether a grant with this term lets the field out."""
        if self.from_detail and (
            term.detail is None or DETAIL_ORDER.index(term.detail) < DETAIL_ORDER.index(self.from_detail)
        ):
            return False
        return not self.from_precision or (
            term.precision is not None
            and PRECISION_ORDER.index(term.precision) >= PRECISION_ORDER.index(self.from_precision)
        )


@dataclass(frozen=True, slots=True)
class Pushed:
    """How a category may be read of which the bank speaks first: each thing by its id alone, so often and so long."""

    most_reads: int
    life_days: int


@dataclass(frozen=True, slots=True)
class Category:
    """One data category = one OAuth scope = one permission on the page.

    `questions` is there for a category that gives answers instead of data, and says how it may be asked; `pushed` for
    one that the bank announces thing by thing: then there is nothing to read before.
    """

    name: str
    title: str
    summary: str
    fields: tuple[Field, ...]
    notice: str
    details: Mapping[Detail, str]
    precisions: Mapping[Precision, str]
    precision_examples: Mapping[Precision, str]
    default_precision: Precision | None
    questions: Questions | None = None
    pushed: Pushed | None = None

    def fields_in(self, term: CategoryTerm) -> tuple[Field, ...]:
        """Return the fields that leave under this term."""
        return tuple(field for field in self.fields if field.is_in(term))

    def has_steps(self, term: CategoryTerm) -> bool:
        """Say whether this category has the detail and the precision of a term."""
        has_detail = term.detail is None or term.detail in self.details
        return has_detail and (term.precision is None or term.precision in self.precisions)

    def least(self) -> CategoryTerm:
        """Return the term that a plain scope stands for: least detail, default precision."""
        return CategoryTerm(self.name, next(iter(self.details), None), self.default_precision)


@dataclass(frozen=True, slots=True)
class Need:
    """Why a purpose needs a category, and whether it makes no sense without."""

    is_essential: bool
    why: str


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a purpose: days of duration, of history, reads a day, days the data is kept."""

    duration_days: int
    lookback_days: int
    frequency_per_day: int
    data_life_days: int


@dataclass(frozen=True, slots=True)
class Purpose:
    """A purpose that a platform may name, what it may ask for, and how much of it.

    `maximum_attended_per_day` is how often a category may be read a day while the platform says that the person is
    there.
    """

    code: str
    title: str
    summary: str
    dpv: str
    needs: Mapping[str, Need]
    maximum: Figures
    default: Figures
    maximum_attended_per_day: int


@dataclass(frozen=True, slots=True)
class ForbiddenPurpose:
    """A purpose that nobody may name."""

    code: str
    title: str
    dpv: str


@dataclass(frozen=True, slots=True)
class BankFacts:
    """What one bank offers and its own ceilings.

    `receipts_required` says that the bank is asked for no data without a receipt of the log.
    """

    bank: str
    categories: frozenset[str]
    purposes: frozenset[str]
    maximum_duration_days: int
    maximum_lookback_days: int
    maximum_frequency_per_day: int
    joint_accounts: bool
    receipts_required: bool

    def cut(self, terms: Terms) -> Terms:
        """Return a request's terms at this bank: what it left to the defaults is at most the bank's ceiling.

        What it named stays, and is refused when it is above the ceiling.
        """
        ceilings = {
            "duration_days": self.maximum_duration_days,
            "lookback_days": self.maximum_lookback_days,
            "frequency_per_day": self.maximum_frequency_per_day,
        }
        figures = {name: getattr(terms, name) for name in ceilings.keys() & terms.unnamed}
        lower = {name: min(value, ceilings[name]) for name, value in figures.items() if value is not None}
        return replace(terms, **lower)

    def left_of(self, terms: Terms) -> Terms:
        """Return what the bank allows of terms that were asked for before it lowered a ceiling or withdrew a category.

        It may be nothing at all; it is never more than the terms.
        """
        days = terms.duration_days
        return replace(
            terms,
            categories=tuple(term for term in terms.categories if term.name in self.categories),
            duration_days=None if days is None else min(days, self.maximum_duration_days),
            lookback_days=min(terms.lookback_days, self.maximum_lookback_days),
            frequency_per_day=min(terms.frequency_per_day, self.maximum_frequency_per_day),
        )


@dataclass(frozen=True, slots=True)
class Words:
    """The same lists in the words of another language. `missing` names what is said in English for want of words.

    `rules` are the reasons of the rules by their id, with places as in the Cedar files.
    """

    categories: Mapping[str, Category]
    purposes: Mapping[str, Purpose]
    forbidden: Mapping[str, ForbiddenPurpose]
    rules: Mapping[str, str]
    notice_digest: str
    notice_version: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything the policy files say. `digest` is the SHA-256 over all of them, in hexadecimal.

    `notice_digest` is over the notices of all categories in its `language`; `words` are those of the other languages.
    """

    digest: str
    categories: Mapping[str, Category]
    purposes: Mapping[str, Purpose]
    forbidden: Mapping[str, ForbiddenPurpose]
    banks: Mapping[str, BankFacts]
    harvest: Budgets
    notice_digest: str
    notice_version: int
    engine: "Engine" = field(compare=False, repr=False)
    language: str = "en"
    words: Mapping[str, Words] = field(default_factory=dict, repr=False)

    def in_language(self, code: str) -> "Catalogue":
        """Return the same catalogue in the words of a language, in English where there are none."""
        said = self.words.get(code)
        if said is None:
            return self
        return replace(
            self,
            categories=said.categories,
            purposes=said.purposes,
            forbidden=said.forbidden,
            notice_digest=said.notice_digest,
            notice_version=said.notice_version,
            language=code,
        )

    def complete(
        self,
        *,
        purpose: Purpose,
        categories: tuple[CategoryTerm, ...],
        duration_type: DurationType = DurationType.TIME_BOUND,
        duration_days: int | None = None,
        lookback_days: int | None = None,
        frequency_per_day: int | None = None,
        data_life_days: int | None = None,
        bank: str | None = None,
    ) -> Terms:
        """Fill in the purpose's default for every figure that a request does not name, and remember which these are."""
        default = purpose.default
        named = {
            "duration_days": duration_days,
            "lookback_days": lookback_days,
            "frequency_per_day": frequency_per_day,
            "data_life_days": data_life_days,
        }
        if duration_type is DurationType.TIME_BOUND and duration_days is None:
            duration_days = default.duration_days
        return Terms(
            purpose=purpose.code,
            categories=categories,
            duration_type=duration_type,
            duration_days=duration_days,
            lookback_days=default.lookback_days if lookback_days is None else lookback_days,
            frequency_per_day=default.frequency_per_day if frequency_per_day is None else frequency_per_day,
            data_life_days=default.data_life_days if data_life_days is None else data_life_days,
            bank=bank,
            unnamed=frozenset(name for name, value in named.items() if value is None),
        )
