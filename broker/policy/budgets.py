"""Reads `harvest.yaml`: how much one platform ordinarily reads. Unknown keys and missing budgets are refused."""

from broker.policy.files import Node
from broker.policy.harvest import Budget, Budgets, Counter, Span

_VERSION = 1
_MOST_BASE = 1_000_000
_MOST_SHARE = 1_000_000_000
_NEEDED = (Span.HOUR, Span.DAY)


def budgets(root: Node) -> Budgets:
    """Read all budgets; each counter needs one for an hour and one for a day, none stands there twice.

    Raises:
        ConfigurationInvalid: as every file of the policies.
    """
    root.only("version", "budgets")
    if root.number("version") != _VERSION:
        raise root.fail("version", f"must be {_VERSION}")
    found: dict[tuple[Counter, Span], Budget] = {}
    for node in root.items("budgets"):
        budget = _budget(node)
        if (budget.counter, budget.span) in found:
            raise node.fail("counts", f"{budget.counter} within a {budget.span} stands there twice")
        found[budget.counter, budget.span] = budget
    for counter in Counter:
        for span in _NEEDED:
            if (counter, span) not in found:
                raise root.fail("budgets", f"there is none for {counter} within a {span}")
    return Budgets(tuple(found.values()))


def _budget(node: Node) -> Budget:
    node.only("counts", "within", "base", "of_10000")
    counter = node.step("counts", frozenset(Counter))
    span = node.step("within", frozenset(Span))
    if counter is None or span is None:
        raise node.fail("counts" if counter is None else "within", "is missing")
    share = node.number("of_10000", most=_MOST_SHARE)
    return Budget(Counter(counter), Span(span), node.number("base", most=_MOST_BASE), share)
