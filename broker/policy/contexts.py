"""What the policies are asked by: everything that one decision looks at, and its form in the log.

Nothing here has a default: whoever asks says what is off, read and gathered, so that nothing forgotten is allowed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from broker.policy.catalogue import BankFacts
from broker.policy.terms import CategoryTerm, Terms
from broker.policy.vocabulary import ClusterState, Detail, GrantStatus, Precision


class Off(StrEnum):
    """Which switches are off that concern a call."""

    EVERYTHING = "EVERYTHING"
    BANK = "BANK"
    PLATFORM = "PLATFORM"
    CATEGORY = "CATEGORY"


@dataclass(frozen=True, slots=True)
class PlatformFacts:
    """What a platform is registered for, as its row says now. A platform that is gone is registered for nothing."""

    id: str
    purposes: frozenset[str]
    categories: frozenset[str]

    def to_json(self) -> dict[str, Any]:
        """Return the facts as JSON's values; `from_json` reads them back."""
        return {"id": self.id, "purposes": sorted(self.purposes), "categories": sorted(self.categories)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "PlatformFacts":
        """Read what `to_json` wrote."""
        return cls(value["id"], frozenset(value["purposes"]), frozenset(value["categories"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """How often this grant's category was read today (UTC day), before this call; and how often it may be."""

    is_attended: bool
    attended_today: int
    attended_ceiling: int
    unattended_today: int
    unattended_ceiling: int

    def to_json(self) -> dict[str, Any]:
        """Return the counts as JSON's values; `from_json` reads them back."""
        return {
            "isAttended": self.is_attended,
            "attendedToday": self.attended_today,
            "attendedCeiling": self.attended_ceiling,
            "unattendedToday": self.unattended_today,
            "unattendedCeiling": self.unattended_ceiling,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Reads":
        """Read what `to_json` wrote."""
        return cls(
            is_attended=value["isAttended"],
            attended_today=value["attendedToday"],
            attended_ceiling=value["attendedCeiling"],
            unattended_today=value["unattendedToday"],
            unattended_ceiling=value["unattendedCeiling"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest:
    """How much this platform has read of this category at all banks, in the windows of `harvest.yaml`, and its budget.

    A count above its ceiling is refused; `is_held` says that the platform is held in this category already.
    """

    is_held: bool
    people: int
    people_ceiling: int
    records: int
    records_ceiling: int

    def to_json(self) -> dict[str, Any]:
        """Return the counts as JSON's values; `from_json` reads them back."""
        return {
            "isHeld": self.is_held,
            "people": self.people,
            "peopleCeiling": self.people_ceiling,
            "records": self.records,
            "recordsCeiling": self.records_ceiling,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Harvest":
        """Read what `to_json` wrote."""
        return cls(
            is_held=value["isHeld"],
            people=value["people"],
            people_ceiling=value["peopleCeiling"],
            records=value["records"],
            records_ceiling=value["recordsCeiling"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestContext:
    """May this platform ask for (or be granted) these terms? `bank_id` is None while no bank is known.

    `bank` are the facts in force of that bank, None when there are none: then it is refused. `off` is what is switched
    off for all categories, `off_categories` those that are off by themselves.
    """

    platform: PlatformFacts
    terms: Terms
    bank_id: str | None
    bank: BankFacts | None
    off: frozenset[Off]
    off_categories: frozenset[str]

    def to_json(self) -> dict[str, Any]:
        """Return the context as JSON's values: what the log keeps. The bank's facts are found by the digest."""
        return {
            "platform": self.platform.to_json(),
            "terms": self.terms.to_json(),
            "bank": self.bank_id,
            "off": sorted(self.off),
            "offCategories": sorted(self.off_categories),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any], bank: BankFacts | None) -> "RequestContext":
        """Read what `to_json` wrote, to be judged by these facts of the bank."""
        return cls(
            platform=PlatformFacts.from_json(value["platform"]),
            terms=Terms.from_json(value["terms"]),
            bank_id=value["bank"],
            bank=bank,
            off=frozenset(Off(name) for name in value["off"]),
            off_categories=frozenset(value["offCategories"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseContext:
    """May this category of these accounts leave now, under this live grant?

    `bank` are the facts in force of the grant's bank, None when there are none: then nothing leaves.
    `account_states` maps each account asked for to its state in the grant, None when the grant does not name it.
    `token_categories` is what the access token itself was narrowed to.
    """

    platform: PlatformFacts
    status: GrantStatus
    is_expired: bool
    purpose: str
    bank_id: str
    bank: BankFacts | None
    category: str
    term: CategoryTerm | None
    category_state: ClusterState | None
    token_categories: frozenset[str]
    account_states: Mapping[str, ClusterState | None]
    off: frozenset[Off]
    reads: Reads
    harvest: Harvest

    def to_json(self) -> dict[str, Any]:
        """Return the context as JSON's values: what the log keeps, so that a decision can be judged again."""
        term = self.term
        return {
            "platform": self.platform.to_json(),
            "status": self.status.value,
            "isExpired": self.is_expired,
            "purpose": self.purpose,
            "bank": self.bank_id,
            "category": self.category,
            "isGranted": term is not None,
            "detail": term.detail.value if term and term.detail else None,
            "precision": term.precision.value if term and term.precision else None,
            "state": self.category_state.value if self.category_state else None,
            "tokenCategories": sorted(self.token_categories),
            "accounts": {name: state.value if state else None for name, state in self.account_states.items()},
            "off": sorted(self.off),
            "reads": self.reads.to_json(),
            "harvest": self.harvest.to_json(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any], bank: BankFacts | None) -> "ReleaseContext":
        """Read what `to_json` wrote, to be judged by these facts of the bank."""
        return cls(
            platform=PlatformFacts.from_json(value["platform"]),
            status=GrantStatus(value["status"]),
            is_expired=value["isExpired"],
            purpose=value["purpose"],
            bank_id=value["bank"],
            bank=bank,
            category=value["category"],
            term=_term(value),
            category_state=_state(value["state"]),
            token_categories=frozenset(value["tokenCategories"]),
            account_states={name: _state(state) for name, state in value["accounts"].items()},
            off=frozenset(Off(name) for name in value["off"]),
            reads=Reads.from_json(value["reads"]),
            harvest=Harvest.from_json(value["harvest"]),
        )


def _term(value: Mapping[str, Any]) -> CategoryTerm | None:
    if not value["isGranted"]:
        return None
    detail, precision = value["detail"], value["precision"]
    return CategoryTerm(value["category"], detail and Detail(detail), precision and Precision(precision))


def _state(name: str | None) -> ClusterState | None:
    return None if name is None else ClusterState(name)
