"""A Wing-Gong checker: could overlapping calls have happened one by one, each at an instant within its call?

Wing and Gong, "Testing and verifying concurrent objects" (1993), with the memory of configurations that Lowe added.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

State = TypeVar("State", bound=Hashable)
NEVER = 1 << 63
"""When a call returned of which nothing came back: it may take effect at any time after it was made."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One call as its caller saw it: what, about which part, from when to when (ns), how it ended (None: unknown)."""

    kind: str
    part: str | None
    called_ns: int
    returned_ns: int
    outcome: str | None


def stuck_at(
    operations: Iterable[Operation], initial: State, step: Callable[[State, Operation], Sequence[State]]
) -> Operation | None:
    """Return None when there is an order; else the first operation that no order gets past.

    `step` returns the states that may follow when the operation happens in a state, none when it could not have ended
    so there.
    """
    calls = sorted(operations, key=lambda operation: operation.called_ns)
    # A configuration: every call before `first` has happened, and those after it whose bit is set.
    waiting: list[tuple[int, int, State]] = [(0, 0, initial)]
    seen: set[tuple[int, int, State]] = set()
    furthest = 0
    while waiting:
        first, happened, state = waiting.pop()
        while happened & 1:
            first, happened = first + 1, happened >> 1
        if first == len(calls):
            return None
        if (first, happened, state) in seen:
            continue
        seen.add((first, happened, state))
        furthest = max(furthest, first)
        waiting += _next(calls, first, happened, state, step)
    return calls[furthest] if furthest < len(calls) else None


def _next(
    calls: Sequence[Operation],
    first: int,
    happened: int,
    state: State,
    step: Callable[[State, Operation], Sequence[State]],
) -> list[tuple[int, int, State]]:
    """Return the configurations after one more call: any that was made before the first of them returned."""
    found: list[tuple[int, int, State]] = []
    earliest_return, index = NEVER, first
    while index < len(calls) and calls[index].called_ns <= earliest_return:
        bit = 1 << (index - first)
        if not happened & bit:
            earliest_return = min(earliest_return, calls[index].returned_ns)
            following = list(step(state, calls[index]))
            if following == [state]:
                # It fits now and changes nothing: in any order that has it later it can as well be moved to here.
                return [(first, happened | bit, state)]
            found += [(first, happened | bit, follows) for follows in following]
        index += 1
    return found
