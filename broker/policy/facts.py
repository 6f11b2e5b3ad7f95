"""The facts of one bank in force: what it says of itself, never more than its file allows.

Trusted: whatever is stored as a bank's wish passes `within` before a decision sees it (invariant 5).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from broker.policy.catalogue import BankFacts, Catalogue

FIGURES = ("maximum_duration_days", "maximum_lookback_days", "maximum_frequency_per_day")


def to_text(facts: BankFacts) -> str:
    """Return what a bank may change of its facts, as canonical JSON; equal facts give equal texts."""
    return _canonical(
        {
            "categories": sorted(facts.categories),
            "purposes": sorted(facts.purposes),
            "jointAccounts": facts.joint_accounts,
            **{_wire(name): getattr(facts, name) for name in FIGURES},
        }
    )


def from_text(bounds: BankFacts, text: str) -> BankFacts:
    """Read what `to_text` wrote; what a bank may not change is taken from its file.

    Raises:
        ValueError: the text says something else.
    """
    try:
        value = json.loads(text)
        return replace(
            bounds,
            categories=frozenset(map(str, value["categories"])),
            purposes=frozenset(map(str, value["purposes"])),
            joint_accounts=value["jointAccounts"] is True,
            maximum_duration_days=int(value["maximumDurationDays"]),
            maximum_lookback_days=int(value["maximumLookbackDays"]),
            maximum_frequency_per_day=int(value["maximumFrequencyPerDay"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError("these are no facts of a bank") from error


def within(facts: BankFacts, bounds: BankFacts) -> BankFacts:
    """Cut facts down to the bounds of the bank's file: the file may have been narrowed after the bank's last change."""
    return replace(
        bounds,
        categories=facts.categories & bounds.categories,
        purposes=facts.purposes & bounds.purposes,
        joint_accounts=facts.joint_accounts and bounds.joint_accounts,
        maximum_duration_days=min(facts.maximum_duration_days, bounds.maximum_duration_days),
        maximum_lookback_days=min(facts.maximum_lookback_days, bounds.maximum_lookback_days),
        maximum_frequency_per_day=min(facts.maximum_frequency_per_day, bounds.maximum_frequency_per_day),
    )


def in_force(catalogue: Catalogue, facts: BankFacts) -> Catalogue:
    """Return the catalogue that one bank is judged by: its facts in the place of the file's.

    Facts that differ from the file's get into the digest, so that what is logged names exactly what was judged by:
    SHA-256 over the digest of the files, a line break and the canonical text of the facts.
    """
    if facts == catalogue.banks.get(facts.bank):
        return catalogue
    digest = hashlib.sha256(f"{catalogue.digest}\n{to_text(facts)}".encode()).hexdigest()
    return replace(catalogue, digest=digest, banks={**catalogue.banks, facts.bank: facts})


@dataclass(frozen=True, slots=True)
class Change:
    """What lies between two states of one bank's facts. `figures` maps the names of figures to before and after."""

    removed_categories: tuple[str, ...]
    added_categories: tuple[str, ...]
    removed_purposes: tuple[str, ...]
    added_purposes: tuple[str, ...]
    figures: Mapping[str, tuple[int, int]]
    joint_accounts: tuple[bool, bool] | None

    @property
    def is_empty(self) -> bool:
        """Say whether nothing changes."""
        return not self.to_json()

    def to_json(self) -> dict[str, Any]:
        """Return what changes and nothing else, as JSON's values."""
        told = {
            "categories": _signed(self.removed_categories, self.added_categories),
            "purposes": _signed(self.removed_purposes, self.added_purposes),
            **{_wire(name): list(pair) for name, pair in self.figures.items()},
            "jointAccounts": None if self.joint_accounts is None else list(self.joint_accounts),
        }
        return {name: value for name, value in told.items() if value}


def change(before: BankFacts, after: BankFacts) -> Change:
    """Return what changes from one state of a bank's facts to another."""
    pairs = {name: (getattr(before, name), getattr(after, name)) for name in FIGURES}
    joint = (before.joint_accounts, after.joint_accounts)
    return Change(
        removed_categories=tuple(sorted(before.categories - after.categories)),
        added_categories=tuple(sorted(after.categories - before.categories)),
        removed_purposes=tuple(sorted(before.purposes - after.purposes)),
        added_purposes=tuple(sorted(after.purposes - before.purposes)),
        figures={name: pair for name, pair in pairs.items() if pair[0] != pair[1]},
        joint_accounts=None if joint[0] == joint[1] else joint,
    )


def _signed(removed: tuple[str, ...], added: tuple[str, ...]) -> list[str]:
    return [f"-{name}" for name in removed] + [f"+{name}" for name in added]


def _wire(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def _canonical(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
