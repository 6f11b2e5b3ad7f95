"""Answers a question about bank data with yes, no or unknown, so that the data itself need not leave.

Trusted: for the categories of answers, what is told here is all that leaves; what is not certain is unknown.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, TypeAlias

from broker.errors import InvalidRequest

_HOURS_OF_A_DAY: Final = 24
_FIRST_MARK, _LAST_MARK = "\u0300", "\u036f"  # Combining Diacritical Marks: accents, which banks often leave out


class Answer(StrEnum):
    """What a platform is told instead of data."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Questions:
    """How a category of answers may be asked: so often a day for each person, and in no finer steps than these.

    `amounts` are whole units of the currency, `hours` spans back from now; a category has one of the two. A balance
    that the bank worked out more than `stale_after_hours` ago answers nothing.
    """

    most_per_day: int
    amounts: tuple[int, ...] = ()
    hours: tuple[int, ...] = ()
    stale_after_hours: int = 0


@dataclass(frozen=True, slots=True)
class AmountQuestion:
    """Is the available balance at least this? A balance from before `oldest_at` is too old to say."""

    at_least: int
    currency: str
    oldest_at: datetime
    asked_at: datetime

    @classmethod
    def of(cls, rules: Questions, *, at_least: str, currency: str, now: datetime) -> "AmountQuestion":
        """Make the question out of what a caller says.

        Raises:
            InvalidRequest: the amount is none of the category's steps; the detail names them.
        """
        steps = {str(amount): amount for amount in rules.amounts}
        if at_least not in steps:
            raise InvalidRequest(f"atLeast must be one of {', '.join(steps)}.", code="question-too-fine")
        return cls(steps[at_least], currency, now - timedelta(hours=rules.stale_after_hours), now)

    def answer(self, balances: Sequence[Mapping[str, Any]], _known_from: datetime) -> tuple[Answer, datetime]:
        """Answer out of the balance of one account, and say as of which hour."""
        if len(balances) != 1:
            return Answer.UNKNOWN, on_the_hour(self.asked_at)
        balance = balances[0]
        as_of = on_the_hour(min(balance["asOf"], self.asked_at))
        available = balance.get("availableBalance")
        if available is None or balance["currency"] != self.currency or balance["asOf"] < self.oldest_at:
            return Answer.UNKNOWN, as_of
        return (Answer.YES if available >= self.at_least else Answer.NO), as_of

    def to_json(self) -> dict[str, str]:
        """Return what the log keeps of the question."""
        return {"atLeast": str(self.at_least), "currency": self.currency}


@dataclass(frozen=True, slots=True)
class PlaceQuestion:
    """Was a card used in this country, or in this town of it, since `oldest_at`? That is `hours` ago, on the hour."""

    country: str
    town: str | None
    hours: int
    oldest_at: datetime
    asked_at: datetime

    @classmethod
    def of(cls, rules: Questions, *, country: str, town: str | None, since: str, now: datetime) -> "PlaceQuestion":
        """Make the question out of what a caller says.

        Raises:
            InvalidRequest: the span is none of the category's steps (the detail names them), or the town has no name.
        """
        steps = {span(hours): hours for hours in rules.hours}
        if since not in steps:
            raise InvalidRequest(f"since must be one of {', '.join(steps)}.", code="question-too-fine")
        if town is not None and not plain_name(town):
            raise InvalidRequest("townName must be the name of a town.")
        return cls(country, town, steps[since], on_the_hour(now) - timedelta(hours=steps[since]), now)

    def answer(self, uses: Sequence[Mapping[str, Any]], known_from: datetime) -> tuple[Answer, datetime]:
        """Answer out of the card uses since `known_from`; online ones were nowhere."""
        since = [use for use in uses if use["occurredOn"] >= self.oldest_at]
        in_person = [use for use in since if use["channel"] != "online"]
        if any(self._is_there(use) for use in in_person):
            told = Answer.YES
        elif known_from > self.oldest_at or (since and not in_person) or any(map(self._may_be_there, in_person)):
            told = Answer.UNKNOWN
        else:
            told = Answer.NO
        return told, on_the_hour(self.asked_at)

    def to_json(self) -> dict[str, str]:
        """Return what the log keeps of the question."""
        town = {} if self.town is None else {"townName": self.town}
        return {"country": self.country, **town, "since": span(self.hours)}

    def _is_there(self, use: Mapping[str, Any]) -> bool:
        country, town = _place_of(use)
        return country == self.country and (self.town is None or town == plain_name(self.town))

    def _may_be_there(self, use: Mapping[str, Any]) -> bool:
        """Say whether the bank names too little of the place to be sure that it is another."""
        country, town = _place_of(use)
        return not country or (country == self.country and not town)


Question: TypeAlias = AmountQuestion | PlaceQuestion


def span(hours: int) -> str:
    """Write a span as ISO 8601 does: whole days as `P3D`, else hours as `PT6H`."""
    return f"PT{hours}H" if hours % _HOURS_OF_A_DAY else f"P{hours // _HOURS_OF_A_DAY}D"


def on_the_hour(at: datetime) -> datetime:
    """Return the beginning of the instant's hour: a finer one would tell when something happened."""
    return at.replace(minute=0, second=0, microsecond=0)


def plain_name(name: str) -> str:
    """Return a name without what spellings differ in: case, accents, punctuation, blanks."""
    letters = [c for c in unicodedata.normalize("NFKD", name).casefold() if not _FIRST_MARK <= c <= _LAST_MARK]
    # Marks are letters in the scripts that write vowels with them.
    kept = (c if unicodedata.category(c)[0] in "LMN" else " " for c in letters)
    return " ".join("".join(kept).split())


def _place_of(use: Mapping[str, Any]) -> tuple[str, str]:
    address = use.get("address") or {}
    return address.get("country") or "", plain_name(address.get("townName") or "")
