"""Honest days: growth, weeks, paydays, a viral day, a bank that is away and the day after."""

import random
from dataclasses import dataclass

from broker.policy.harvest import Budgets
from tests.simulation.population import Kind, Platform

_BEFORE = 56
"""Days before the counted ones: the model begins without a past, and spans of 28 days must be whole."""
_OUTAGE = (120, 121)
_CATCH_UP = 122
_VIRAL = 200


@dataclass(frozen=True, slots=True)
class Honest:
    """What an honest stretch showed: false holds, and how full each budget was at most."""

    kind: Kind
    people: int
    days: int
    reads: int
    false_holds: tuple[str, ...]
    fullest: dict[str, float]
    released_per_agreed: float

    @property
    def nearest(self) -> tuple[str, float]:
        return max(self.fullest.items(), key=lambda item: item[1])


def honest_days(kind: Kind, people: int, days: int, budgets: Budgets, *, seed: int) -> Honest:
    """Let a platform grow from six tenths of its people to all of them, and look at every budget after each hour."""
    platform = Platform(kind, budgets, random.Random(seed))
    platform.seed_people(round(people * 0.6), 200)
    platform.next_hour()
    joining = people * 0.4 * 0.8 / days
    false_holds: list[str] = []
    fullest = {budget.code: 0.0 for budget in budgets.all}
    for _ in range((_BEFORE + days) * 24):
        _join(platform, joining, people)
        extra = 0.0 if platform.day in _OUTAGE else 1.5 if platform.day == _CATCH_UP else 1.0
        platform.honest_hour(extra)
        for room in budgets.rooms(platform.tally, platform.agreed):
            if platform.day < _BEFORE:
                continue
            code = room.budget.code
            fullest[code] = max(fullest[code], room.count / room.ceiling)
            if room.count > room.ceiling:
                false_holds.append(f"day {platform.day}: {code} {room.count} of {room.ceiling}")
        platform.next_hour()
    return Honest(kind, people, days, platform.reads, tuple(false_holds), fullest, platform.released_per_agreed)


def _join(platform: Platform, a_day: float, people: int) -> None:
    by_day = 8 <= platform.hour % 24 < 22
    if not by_day:
        return
    expected = a_day / 14
    if platform.day == _VIRAL:
        expected += people * 0.08 / 14
    platform.join(int(expected) + (platform.rng.random() < expected % 1))
