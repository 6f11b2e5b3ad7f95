"""One question to the policies, one decision with every reason to refuse that was found.

What the closed lists do not name cannot even be asked: it is refused here, by name. All else the Cedar files decide.
"""

from collections.abc import Iterator

from broker.policy import questions
from broker.policy.catalogue import Catalogue
from broker.policy.contexts import ReleaseContext, RequestContext
from broker.policy.decision import Decision, Reason
from broker.policy.questions import PurposeFacts
from broker.policy.vocabulary import GrantStatus


def decide(catalogue: Catalogue, context: RequestContext | ReleaseContext) -> Decision:
    """Judge one question; allowed means that no reason to refuse was found."""
    if isinstance(context, RequestContext):
        return Decision(catalogue.digest, tuple(_request(catalogue, context)), context.to_json())
    return Decision(catalogue.digest, _release(catalogue, context), context.to_json())


def _request(catalogue: Catalogue, context: RequestContext) -> Iterator[Reason]:
    terms = context.terms
    purpose = questions.purpose_facts(catalogue, terms.purpose)
    if purpose is None:
        yield _no_purpose()
    if not terms.categories:
        yield Reason("category-not-granted", "catalogue.empty", "The request names no category.")
    unknown = [name for name in terms.category_names if name not in catalogue.categories]
    for name in unknown:
        yield _no_category(name)
    if context.bank_id is not None and context.bank is None:
        yield Reason("bank-unknown", "catalogue.bank", "There are no facts for this bank.")
    elif purpose is not None and terms.categories and not unknown:
        yield from catalogue.engine.judge(tuple(questions.requests(context, purpose)))


def _release(catalogue: Catalogue, context: ReleaseContext) -> tuple[Reason, ...]:
    purpose = questions.purpose_facts(catalogue, context.purpose)
    named = tuple(_not_named(catalogue, context, purpose))
    # Whose grant has ended is told that and nothing else, whatever has become of purpose and bank.
    if named and context.status is GrantStatus.ACTIVE and not context.is_expired:
        return named
    asked = questions.release(context, purpose or questions.unknown_purpose(context.purpose))
    return catalogue.engine.judge((asked,)) or named


def _not_named(catalogue: Catalogue, context: ReleaseContext, purpose: PurposeFacts | None) -> Iterator[Reason]:
    if context.category not in catalogue.categories:
        yield _no_category(context.category)
    if purpose is None:
        yield _no_purpose()
    if context.bank is None:
        yield Reason("category-off", "catalogue.bank", "The bank does not offer this category at the moment.")


def _no_purpose() -> Reason:
    return Reason("purpose-forbidden", "catalogue.purpose", "This purpose is not an allowed purpose.")


def _no_category(name: str) -> Reason:
    return Reason("category-not-granted", "catalogue.category", f"There is no category {name}.")
