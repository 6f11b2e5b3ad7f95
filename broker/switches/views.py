"""What a switch is: immutable values, and which of the policies' facts they come to."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from broker.policy.contexts import Off


class Side(StrEnum):
    """Who turned it off. Each side turns on only what it has turned off: a bank never overrules the operator."""

    BANK = "bank"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Target:
    """What a switch is about: everything, or what all named parts together leave of it. An empty part names nothing."""

    bank_id: str = ""
    platform_id: str = ""
    category: str = ""

    @property
    def kind(self) -> Off:
        """Return what the policies call it: the narrowest part that is named."""
        if self.category:
            return Off.CATEGORY
        if self.platform_id:
            return Off.PLATFORM
        return Off.BANK if self.bank_id else Off.EVERYTHING

    def concerns(self, bank_id: str, platform_id: str) -> bool:
        """Say whether it is about anything between this bank and this platform."""
        return self.bank_id in {"", bank_id} and self.platform_id in {"", platform_id}


@dataclass(frozen=True, slots=True)
class Switch:
    """One switch that is off. `reason` is told to the people whose sharing it stops."""

    side: Side
    target: Target
    reason: str
    since_at: datetime

    @property
    def is_whole(self) -> bool:
        """Say whether it stops whole grants, and not one category of them."""
        return not self.target.category


def off_for(switches: Iterable[Switch], category: str = "") -> frozenset[Off]:
    """Return what stops this category, or every category; the switches are those that concern bank and platform."""
    return frozenset(one.target.kind for one in switches if one.is_whole or one.target.category == category)


def off_categories(switches: Iterable[Switch]) -> frozenset[str]:
    """Return the categories that are off by themselves; the switches are those that concern bank and platform."""
    return frozenset(one.target.category for one in switches if not one.is_whole)


def code_of(off: Collection[Off]) -> str:
    """Return the reason that callers are told; a whole grant that is off comes before a category."""
    return "category-off" if set(off) == {Off.CATEGORY} else "grant-suspended"
