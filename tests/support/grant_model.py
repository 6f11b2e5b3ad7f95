"""What a grant must do, as a small model, and the two checks against it: of what callers saw and of what was logged."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from broker.audit.reader import LoggedEntry
from broker.audit.vocabulary import Event
from tests.support.linearizability import Operation, stuck_at

ACTIVE, PAUSED, REVOKED = "active", "paused", "revoked"
_STEPS = {
    "pause": ({ACTIVE}, PAUSED),
    "resume": ({PAUSED}, ACTIVE),
    "revoke": ({ACTIVE, PAUSED}, REVOKED),
}
_LOGGED = {
    Event.GRANT_PAUSED: "pause",
    Event.GRANT_RESUMED: "resume",
    Event.GRANT_REVOKED: "revoke",
    Event.GRANT_CATEGORY_REVOKED: "revoke",
}


@dataclass(frozen=True, slots=True)
class GrantState:
    """Where a grant and its categories stand; `parts` are pairs of name and state."""

    whole: str
    parts: tuple[tuple[str, str], ...]

    @classmethod
    def new(cls, categories: Sequence[str]) -> "GrantState":
        return cls(ACTIVE, tuple((name, ACTIVE) for name in categories))

    def of_read(self, category: str) -> str:
        """Return how a read of the category ends now."""
        part = dict(self.parts)[category]
        if self.whole != ACTIVE:
            return f"grant-{self.whole}"
        return "released" if part == ACTIVE else f"category-{part}"

    def after(self, act: str, category: str | None) -> "GrantState | None":
        """Return the state after a person's act, None when it cannot be done now."""
        fitting, target = _STEPS[act]
        parts = dict(self.parts)
        if self.whole == REVOKED or (self.whole if category is None else parts[category]) not in fitting:
            return None
        if category is None:
            return replace(self, whole=target)
        parts[category] = target
        is_empty = all(state == REVOKED for state in parts.values())
        return GrantState(REVOKED if is_empty else self.whole, tuple(parts.items()))


def step(state: GrantState, operation: Operation) -> list[GrantState]:
    """Return the states that may follow an operation that ended as it did; none when it cannot have."""
    if operation.kind == "read":
        return [state] if operation.outcome == state.of_read(operation.part or "") else []
    if operation.kind == "refresh":
        expected = "grant-revoked" if state.whole == REVOKED else "given"
        return [state] if operation.outcome == expected else []
    changed = state.after(operation.kind, operation.part)
    if operation.outcome is None:
        return [state, changed] if changed else [state]
    if operation.outcome == "done":
        return [changed] if changed else []
    return [state] if changed is None and operation.outcome == "refused" else []


def contradiction(operations: Iterable[Operation], categories: Sequence[str]) -> Operation | None:
    """Return an operation on one grant that no order of all of them explains, None when there is none."""
    return stuck_at(operations, GrantState.new(categories), step)


def released_too_late(entries: Iterable[LoggedEntry]) -> list[LoggedEntry]:
    """Return the releases that stand, by their number in the log, where grant or category was paused or revoked."""
    ended: dict[tuple[str, str | None], str] = {}
    wrong = []
    for entry in sorted(entries, key=lambda entry: (entry.log, entry.number)):
        grant = entry.grant_id or ""
        if entry.event in _LOGGED:
            ended[grant, entry.category] = _STEPS[_LOGGED[entry.event]][1]
        elif entry.event is Event.ACCESS_RELEASED:
            states = {ended.get((grant, part), ACTIVE) for part in (None, entry.category)}
            wrong += [entry] if states != {ACTIVE} else []
    return wrong
