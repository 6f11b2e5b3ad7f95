"""What Messenger has been told to leave alone for now: pauses of the person, switches of the bank and the broker."""

import json
from dataclasses import dataclass, replace
from typing import Self

WHOLE = ""
"""Stands for all of a grant among the names of its categories."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What rests of one grant, by the names of categories."""

    paused: frozenset[str] = frozenset()
    suspended: frozenset[str] = frozenset()

    @property
    def is_paused(self) -> bool:
        """Tell whether the person has paused all of it."""
        return WHOLE in self.paused

    @property
    def is_suspended(self) -> bool:
        """Tell whether all of it is switched off."""
        return WHOLE in self.suspended

    def pausing(self, name: str) -> Self:
        """Return it with one more pause."""
        return replace(self, paused=self.paused | {name})

    def resuming(self, name: str) -> Self:
        """Return it without a pause; that of the whole takes none of a category's away."""
        return replace(self, paused=self.paused - {name})

    def suspending(self, name: str) -> Self:
        """Return it with one more switch off."""
        return replace(self, suspended=self.suspended | {name})

    def restoring(self, name: str) -> Self:
        """Return it with one switch on again."""
        return replace(self, suspended=self.suspended - {name})

    def refusal_of(self, category: str) -> str | None:
        """Return the code with which the broker would refuse this category now, None where nothing rests."""
        if self.is_suspended:
            return "grant-suspended"
        if self.is_paused:
            return "grant-paused"
        if category in self.suspended:
            return "category-off"
        return "category-paused" if category in self.paused else None

    def to_json(self) -> str:
        """Write it for storage."""
        return json.dumps({"paused": sorted(self.paused), "suspended": sorted(self.suspended)})

    @classmethod
    def from_json(cls, stored: str | None) -> Self:
        """Read it from storage."""
        raw = json.loads(stored or "{}")
        return cls(frozenset(raw.get("paused", ())), frozenset(raw.get("suspended", ())))
