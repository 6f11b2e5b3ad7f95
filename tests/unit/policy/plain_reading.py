"""What the files allow, read plainly from the YAML: a second opinion that shares no code with the rules."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FIGURES = ("duration_days", "lookback_days", "frequency_per_day", "data_life_days")
_OF_BANK = {"duration_days": "duration", "lookback_days": "history", "frequency_per_day": "frequency"}
_OF_PURPOSE = {**_OF_BANK, "data_life_days": "data-life"}


@dataclass(frozen=True)
class Reading:
    """The files, as they stand in a folder."""

    categories: set[str]
    purposes: dict[str, dict[str, Any]]
    forbidden: set[str]
    banks: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Asking:
    """A platform that asks for one category, with its registration, at a bank (None: not chosen yet)."""

    purpose: str
    category: str
    purposes: frozenset[str]
    categories: frozenset[str]
    bank: dict[str, Any] | None
    is_bank_named: bool
    figures: dict[str, int]


def read(folder: Path) -> Reading:
    purposes = _yaml(folder / "purposes.yaml")
    return Reading(
        categories={one["name"] for one in _yaml(folder / "categories.yaml")["categories"]},
        purposes={one["code"]: one for one in purposes["purposes"]},
        forbidden={one["code"] for one in purposes["forbidden"]},
        banks={path.stem: _yaml(path) for path in (folder / "banks").glob("*.yaml")},
    )


def refusing_request(files: Reading, asked: Asking) -> list[str]:
    """Return the rules that must refuse a request, in the order in which they are to be told; none: it is allowed."""
    found = _not_listed(files, asked)
    if asked.purpose in files.forbidden and not found:
        return ["purpose.never"]
    purpose = files.purposes.get(asked.purpose)
    if found or purpose is None:
        return found
    return (
        _registration(asked, purpose, "purpose.categories.request")
        + _of_bank(asked)
        + [
            f"limit.{_OF_PURPOSE[name]}"
            for name in FIGURES
            if not 1 <= asked.figures[name] <= purpose[f"maximum_{name}"]
        ]
    )


def refusing_release(files: Reading, asked: Asking) -> list[str]:
    """Return the same for a release under a live grant that names everything."""
    found = sorted(_not_listed(files, asked), key=["catalogue.category", "catalogue.purpose", "catalogue.bank"].index)
    if asked.purpose in files.forbidden and not found:
        return ["purpose.never"]
    purpose = files.purposes.get(asked.purpose)
    if found or purpose is None:
        return found
    return _registration(asked, purpose, "purpose.categories") + _offers(asked)


def _not_listed(files: Reading, asked: Asking) -> list[str]:
    found = []
    if asked.purpose not in files.purposes and asked.purpose not in files.forbidden:
        found.append("catalogue.purpose")
    if asked.category not in files.categories:
        found.append("catalogue.category")
    if asked.is_bank_named and asked.bank is None:
        found.append("catalogue.bank")
    return found


def _registration(asked: Asking, purpose: dict[str, Any], needs: str) -> list[str]:
    found = [] if asked.purpose in asked.purposes else ["platform.purposes"]
    found += [] if asked.category in purpose["categories"] else [needs]
    return found + ([] if asked.category in asked.categories else ["platform.categories"])


def _offers(asked: Asking) -> list[str]:
    if asked.bank is None:
        return []
    found = [] if asked.purpose in asked.bank["purposes"] else ["bank.purposes"]
    return found + ([] if asked.category in asked.bank["categories"] else ["bank.categories"])


def _of_bank(asked: Asking) -> list[str]:
    bank = asked.bank
    if bank is None:
        return []
    above = [name for name in _OF_BANK if asked.figures[name] > bank[f"maximum_{name}"]]
    return _offers(asked) + [f"bank.{_OF_BANK[name]}" for name in above]


def _yaml(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found
