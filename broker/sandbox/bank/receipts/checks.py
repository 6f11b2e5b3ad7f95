"""What a verified receipt must say before data is given for it: one line each, the first that fails is told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from broker.sandbox.bank.receipts.refusal import ReceiptRefused

LONGEST_AGE_S = 60
_EVENTS = ("access.requested", "access.previewed", "accounts.listed")
_OF_EVERY_ACCOUNT = ("access.previewed", "accounts.listed")
_MICROSECONDS = 1_000_000
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for. `span` is the window as it is asked for, both ends in seconds since 1970.

    `categories` are those that need this resource; `lag_s` is how much later than the window a resource may be asked
    for, because it selects by booking. `alert_id` is the one alert that is asked for.
    """

    categories: tuple[str, ...]
    account_id: str | None = None
    span: Span | None = None
    lag_s: int = 0
    alert_id: str | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A request beside what its receipt says. `customer` is whose token it is; `now_s` is the time by the bank's clock.

    `leaf` is the verified entry, `disclosed` the details that it commits to. The broker wrote both: any type may come.
    """

    asked: Asked
    customer: str
    interaction_id: str
    now_s: float
    origin: str
    index: int
    leaf: Mapping[str, Any]
    disclosed: Mapping[str, Any]

    @property
    def is_of_every_account(self) -> bool:
        """Tell whether the person alone will see the answer, so that no accounts are named yet."""
        return self.leaf.get("event") in _OF_EVERY_ACCOUNT

    @property
    def accounts(self) -> tuple[str, ...]:
        """Return the accounts that the entry is about."""
        named = self.disclosed.get("accounts")
        return tuple(each for each in named if isinstance(each, str)) if isinstance(named, list) else ()

    @property
    def age_s(self) -> float | None:
        """Return how old the entry is, negative when it is from the future; None when it tells no time."""
        time_us = self.leaf.get("time")
        return self.now_s - time_us / _MICROSECONDS if type(time_us) is int else None


class Check(NamedTuple):
    """One thing that must hold, and what the caller is told when it does not."""

    code: str
    message: str
    holds: Callable[[Claimed], bool]


def _is_own_place(it: Claimed) -> bool:
    return it.leaf.get("log") == it.origin and it.leaf.get("number") == it.index


def _is_young(it: Claimed) -> bool:
    return it.age_s is not None and it.age_s <= LONGEST_AGE_S


def _has_happened(it: Claimed) -> bool:
    return it.age_s is not None and it.age_s >= -LONGEST_AGE_S


def _names_account(it: Claimed) -> bool:
    return it.asked.account_id is None or it.asked.account_id in it.accounts


def _names_alert(it: Claimed) -> bool:
    return it.asked.alert_id is None or it.disclosed.get("alert") == it.asked.alert_id


def _covers_window(it: Claimed) -> bool:
    if it.asked.span is None:
        return True
    disclosed = _span(it.disclosed.get("window"))
    start, end = it.asked.span
    return disclosed is not None and disclosed[0] <= start and end <= disclosed[1] + it.asked.lag_s


def _span(window: Any) -> Span | None:
    if not isinstance(window, str):
        return None
    try:
        first, last = (datetime.fromisoformat(part) for part in window.split("/"))
    except ValueError:
        return None
    if first.tzinfo is None or last.tzinfo is None:
        return None
    return int(first.timestamp()), int(last.timestamp())


CHECKS = (
    Check("receipt-wrong-log", "The entry names another place than its receipt.", _is_own_place),
    Check("receipt-wrong-event", "The entry announces no access.", lambda it: it.leaf.get("event") in _EVENTS),
    Check("receipt-too-old", f"The entry is older than {LONGEST_AGE_S} s.", _is_young),
    Check("receipt-from-the-future", "The entry is from a time that has not come.", _has_happened),
    Check(
        "receipt-wrong-interaction",
        "The entry is about another interaction.",
        lambda it: it.leaf.get("interactionId") == it.interaction_id,
    ),
    Check(
        "receipt-wrong-category",
        "The entry announces another category than this is.",
        lambda it: it.leaf.get("category") in it.asked.categories,
    ),
    Check(
        "receipt-wrong-customer",
        "The entry is not disclosed to be about this customer.",
        lambda it: it.disclosed.get("customer") == it.customer,
    ),
    Check("receipt-wrong-account", "The entry is not disclosed to be about this account.", _names_account),
    Check("receipt-wrong-alert", "The entry is not disclosed to be about this alert.", _names_alert),
    Check("receipt-wrong-window", "The entry is not disclosed to be about so long a time.", _covers_window),
)


def check(claimed: Claimed) -> None:
    """Refuse for the first thing that does not hold.

    Raises: ReceiptRefused
    """
    for each in CHECKS:
        if not each.holds(claimed):
            raise ReceiptRefused(each.code, each.message)
