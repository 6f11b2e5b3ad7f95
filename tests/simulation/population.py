"""The people of one platform: how often each kind asks, when in the day, on paydays; who joins.

Every figure here is an assumption; docs/explanation/harvest.md names them. The platform says of every read that the
person is present: nothing here believes it.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import exp
from typing import Final

from broker.policy.harvest import Budgets, Counter, Known, Room, Tally, breached, counted

HOUR_S: Final = 3_600
DAY_S: Final = 86_400
BEGIN_S: Final = 20_000 * DAY_S
FULL_HISTORY: Final = 365
_RHYTHM: Final = (1, 1, 1, 1, 1, 2, 5, 7, 8, 7, 6, 6, 8, 7, 6, 6, 7, 8, 9, 9, 8, 6, 4, 2)
_WEEK: Final = (1.05, 1.0, 1.0, 1.0, 1.1, 0.95, 0.9)
_PAYDAYS: Final = (0, 14, 27)
_DEPTHS: Final = ((0.005, FULL_HISTORY), (0.085, 60), (1.0, 30))


@dataclass(frozen=True, slots=True)
class Habit:
    """One kind of person: their share of all, hours a day in which they ask, how much more on a payday."""

    share: float
    hours_a_day: float
    on_payday: float


HABITS: Final = (
    Habit(0.20, 1.20, 1.3),
    Habit(0.25, 0.45, 1.5),
    Habit(0.25, 0.16, 1.9),
    Habit(0.12, 0.036, 2.2),
    Habit(0.18, 0.001, 2.2),
)


@dataclass(frozen=True, slots=True)
class Kind:
    """How a platform reads: when people ask (`activity` 1: as they do), and everybody at fixed hours by itself."""

    name: str
    activity: float = 1.0
    everybody_at: tuple[int, ...] = ()


CHAT: Final = Kind("chat: reads when asked")
NIGHTLY: Final = Kind("overview: reads everybody each night", 0.5, (2,))
HOURLY: Final = Kind("fraud protection: reads everybody each hour", 0.0, tuple(range(24)))
QUIET: Final = Kind("collects permissions and hardly reads", 0.0)


@dataclass
class Platform:
    """One platform with its people, its counters and what is known of each person."""

    kind: Kind
    budgets: Budgets
    rng: random.Random
    known: list[Known] = field(default_factory=list)
    by_habit: list[list[int]] = field(default_factory=lambda: [[] for _ in HABITS])
    tally: Tally = field(default_factory=Tally)
    hour: int = 0
    reads: int = 0
    released: set[int] = field(default_factory=set)
    strangers: int = 0

    @property
    def agreed(self) -> int:
        return len(self.known)

    @property
    def now_s(self) -> int:
        return BEGIN_S + self.hour * HOUR_S

    @property
    def day(self) -> int:
        return self.hour // 24

    @property
    def released_per_agreed(self) -> float:
        """Return of how many people anything was released, for each of them who had agreed."""
        return len(self.released) / max(1, sum(map(self.has_agreed, self.released)))

    def has_agreed(self, person: int) -> bool:
        """Say whether there is a permission of this person: nothing is released without."""
        return person < self.agreed

    def copy(self, seed: int) -> "Platform":
        """Return the platform as it stands, to go another way; what is known of a person is immutable."""
        return replace(
            self,
            rng=random.Random(seed),
            known=list(self.known),
            by_habit=[list(people) for people in self.by_habit],
            tally=self.tally.plus(()),
            released=set(self.released),
        )

    def join(self, count: int, *, read: bool = True) -> None:
        """Let people agree now; the app then reads them with all its history, as a first look does."""
        habits = self.rng.choices(range(len(HABITS)), [habit.share for habit in HABITS], k=count)
        for habit in habits:
            self.by_habit[habit].append(self.agreed)
            self.known.append(Known(self.now_s))
            if read:
                self.take(self.agreed - 1, 60, 120)

    def seed_people(self, count: int, days: int) -> None:
        """Begin with people who agreed at some time in the last so many days."""
        now_s = self.now_s
        self.join(count, read=False)
        for person in range(self.agreed - count, self.agreed):
            ago_s = self.rng.randrange(DAY_S, days * DAY_S)
            self.known[person] = Known(now_s - ago_s, now_s - ago_s, now_s - ago_s - 60 * DAY_S)

    def room_for(self, person: int, days: int | None) -> Room | None:
        """Return the budget that a read of this person would break, None when there is room."""
        known = self.known[person]
        counters = counted(known, self.now_s, self._oldest_s(days))
        return breached(self.budgets.touched(self.tally, self.agreed, known, counters))

    def take(self, person: int, days: int | None, records: int, reads: int = 1) -> None:
        """Count reads of a person within this hour, of so many days of history."""
        known, oldest_s = self.known[person], self._oldest_s(days)
        self.tally.add(known, counted(known, self.now_s, oldest_s))
        self.tally.add_volume(reads=reads - 1, records=records * reads)
        self.known[person] = known.after(self.now_s, oldest_s)
        self.released.add(person)
        self.reads += reads

    def honest_hour(self, extra: float = 1.0) -> None:
        """Let an hour pass: people join, people ask, and the platform reads by itself at its hours."""
        for person, days, records in self.asked(extra):
            self.take(person, days, records, self.rng.choice((1, 1, 2, 3)))
        if self.hour % 24 in self.kind.everybody_at and extra:
            for person in range(self.agreed):
                self.take(person, 2, 6)

    def asked(self, extra: float = 1.0) -> Iterator[tuple[int, int, int]]:
        """Yield who asks in this hour, how many days back, and how many records that is."""
        share = _RHYTHM[self.hour % 24] / sum(_RHYTHM) * _WEEK[self.day % 7] * self.kind.activity * extra
        is_payday = self.day % 28 in _PAYDAYS
        for habit, people in zip(HABITS, self.by_habit, strict=True):
            mean = len(people) * habit.hours_a_day * share * (habit.on_payday if is_payday else 1.0)
            for person in self.rng.choices(people, k=_poisson(self.rng, mean)) if people else ():
                chance = self.rng.random()
                yield person, next(days for below, days in _DEPTHS if chance < below), self.rng.randrange(5, 90)

    def next_hour(self) -> None:
        """Go on to the next hour."""
        self.hour += 1
        self.tally.begin(self.now_s)

    def over(self) -> Room | None:
        """Return the first budget that this hour went beyond; counts only grow within a span, so none is missed."""
        rooms = self.budgets.rooms(self.tally, self.agreed)
        return next((room for room in rooms if room.count > room.ceiling), None)

    def silent_people(self) -> list[int]:
        """Return all people, who was read longest ago first."""
        return sorted(range(self.agreed), key=lambda person: self.known[person].read_s or 0)

    def people_read(self) -> int:
        """Return how many people were read in this span of 28 days."""
        return max(counts[Counter.PEOPLE] for counts in self.tally.counts.values())

    def _oldest_s(self, days: int | None) -> int | None:
        return None if days is None else self.now_s - self.now_s % DAY_S - days * DAY_S


def _poisson(rng: random.Random, mean: float) -> int:
    """Draw a Poisson number: by products for small means, by the normal curve for large ones."""
    if mean > 50:
        return max(0, round(rng.gauss(mean, mean**0.5)))
    limit, product, count = exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count
