"""How often a day an app may look: the figures that the consent page and My sharing tell."""

from dataclasses import dataclass

from broker.policy import Catalogue
from broker.policy.terms import Terms


@dataclass(frozen=True, slots=True)
class HowOften:
    """Reads a day of each kind of data: while the person uses the app, and on the app's own account.

    `questions` has title and number of each kind that gives so few answers a day, of both sorts together, that less
    counts for it than the two figures say; `announced` has title and number of reads of each kind of which the bank
    speaks first.
    """

    attended: int
    alone: int
    questions: tuple[tuple[str, int], ...]
    announced: tuple[tuple[str, int], ...]


def how_often(catalogue: Catalogue, terms: Terms) -> HowOften:
    """Return the highest figures that hold for any category of the terms, and those that are below them."""
    purpose = catalogue.purposes.get(terms.purpose)
    attended = purpose.maximum_attended_per_day if purpose else 0
    alone = terms.frequency_per_day
    asked = [catalogue.categories[name] for name in terms.category_names if name in catalogue.categories]
    limits = [(category.title, category.questions.most_per_day) for category in asked if category.questions]
    if limits and len(limits) == len(terms.category_names):
        most = max(number for _, number in limits)
        attended, alone = min(attended, most), min(alone, most)
    announced = tuple((category.title, category.pushed.most_reads) for category in asked if category.pushed)
    return HowOften(attended, alone, tuple(limits), announced)
