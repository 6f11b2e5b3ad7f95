"""The shapes of a harvest: whom each reads in an hour, how far back, how much. Honest traffic goes on beside them."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.simulation.population import CHAT, DAY_S, FULL_HISTORY, QUIET, Kind, Platform

Choice = Callable[[Platform, random.Random], Iterator[int]]


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape. `an_hour` says how many people it reads in an hour of the day, `choice` in which order.

    `clients`: among how many clients of one owner the people and the harvest are divided. `begins`: after how many
    hours. `stays_below`: why no budget can stop it in time; it then need not meet the goal.
    """

    name: str
    does: str
    an_hour: Callable[[int, int], float]
    choice: Choice
    days: int | None = 30
    records: int = 60
    kind: Kind = CHAT
    clients: int = 1
    begins: int = 0
    stays_below: str | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return _named, (self.name,)  # functions have no pickle; the other process has the same shapes


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far a harvest came: people and reads until it was stopped, after how many hours, by which budget.

    `strangers`: how often it asked for people who had not agreed, and got nothing.
    """

    shape: Shape
    people: int
    reads: int
    hours: int
    stopped_by: str | None
    of_people: int
    strangers: int
    released_per_agreed: float

    @property
    def is_within_goal(self) -> bool:
        """Say whether it was stopped before 1 % of all people, or before 1,000 reads."""
        return self.stopped_by is not None and (self.people < self.of_people / 100 or self.reads < 1_000)

    @property
    def is_missed(self) -> bool:
        """Say whether it came further than it should, and nobody had said that it would."""
        return not self.is_within_goal and self.shape.stays_below is None


def run(platforms: list[Platform], shape: Shape, most_days: int, seed: int) -> Outcome:
    """Harvest all clients of the owner side by side until each is stopped, has nobody left, or the days are over."""
    parts = [_run_one(platform.copy(seed + number), shape, most_days) for number, platform in enumerate(platforms)]
    codes = [part.stopped_by for part in parts]
    return Outcome(
        shape,
        sum(part.people for part in parts),
        sum(part.reads for part in parts),
        max(part.hours for part in parts),
        max((code for code in codes if code), key=codes.count, default=None) if all(codes) else None,
        sum(part.of_people for part in parts),
        sum(part.strangers for part in parts),
        max(part.released_per_agreed for part in parts),
    )


def _run_one(platform: Platform, shape: Shape, most_days: int) -> Outcome:
    rng, taken, reads, owed = platform.rng, set[int](), 0, 0.0
    for _ in range(shape.begins):
        platform.honest_hour()
        platform.next_hour()
    order, start, stopped_by = shape.choice(platform, rng), platform.hour, None
    while stopped_by is None and platform.hour - start < most_days * 24:
        owed += shape.an_hour(platform.hour % 24, platform.agreed)
        # The harvest goes first in each hour: the honest reads after it find the room that it has left.
        while owed >= 1 and stopped_by is None:
            owed -= 1
            person = next(order, None)
            if person is None:
                return _outcome(platform, shape, taken, reads, start, None)
            if not platform.has_agreed(person):
                platform.strangers += 1
            elif (broken := platform.room_for(person, shape.days)) is not None:
                stopped_by = broken.budget.code
            else:
                platform.take(person, shape.days, shape.records)
                taken.add(person)
                reads += 1
        if stopped_by is None:
            platform.honest_hour()
            over = platform.over()
            stopped_by = None if over is None else over.budget.code
        if stopped_by is None:
            platform.next_hour()
    return _outcome(platform, shape, taken, reads, start, stopped_by)


def _outcome(
    platform: Platform, shape: Shape, taken: set[int], reads: int, start: int, stopped_by: str | None
) -> Outcome:
    hours, released = platform.hour - start, platform.released_per_agreed
    return Outcome(shape, len(taken), reads, hours, stopped_by, platform.agreed, platform.strangers, released)


def anybody(platform: Platform, rng: random.Random) -> Iterator[int]:
    """Choose everybody once, in any order."""
    yield from rng.sample(range(platform.agreed), platform.agreed)


def and_their_contacts(platform: Platform, rng: random.Random) -> Iterator[int]:
    """Choose everybody, and with each the 322 people whom they know and who have not agreed."""
    for person in anybody(platform, rng):
        yield from range(platform.agreed + person * 322, platform.agreed + (person + 1) * 322)
        yield person


def sleepers(platform: Platform, _rng: random.Random) -> Iterator[int]:
    """Choose who was read longest ago first."""
    yield from platform.silent_people()


def awake(platform: Platform, rng: random.Random) -> Iterator[int]:
    """Choose again and again among who was read within a day, each once a day."""
    done: dict[int, int] = {}
    while True:
        day = platform.day
        people = [p for p in range(platform.agreed) if (platform.known[p].read_s or 0) >= platform.now_s - DAY_S]
        fresh = [person for person in people if done.get(person) != day]
        if not fresh:
            yield rng.randrange(platform.agreed)
            continue
        for person in rng.sample(fresh, min(len(fresh), 200)):
            done[person] = day
            yield person


def stolen(platform: Platform, rng: random.Random) -> Iterator[int]:
    """Choose the people of three in a hundred tokens, which a thief has with their keys."""
    yield from rng.sample(range(platform.agreed), platform.agreed * 3 // 100)


SHAPES = (
    Shape("fast sweep", "everybody, 20 a second", lambda _h, _n: 72_000, anybody),
    Shape("sweep in a day", "everybody, evenly over 24 hours", lambda _h, n: n / 24, anybody),
    Shape("sweep in a week", "everybody, evenly over seven days", lambda _h, n: n / 168, anybody),
    Shape("night sweep", "two in a hundred an hour, from 2 to 5", lambda h, n: n / 50 if 2 <= h < 5 else 0, anybody),
    Shape("sleeping first", "who was read longest ago, one in a hundred an hour", lambda _h, n: n / 100, sleepers),
    Shape("one record each", "everybody in twelve hours, one record of each", lambda _h, n: n / 12, anybody, None, 1),
    Shape("depth", "the whole history of who is about", lambda _h, n: n / 200, awake, FULL_HISTORY, 900),
    Shape(
        "burst after quiet",
        "permissions collected for 70 days, then everybody",
        lambda _h, n: n / 3,
        anybody,
        60,
        120,
        QUIET,
    ),
    Shape(
        "many clients",
        "20 clients of one owner, each sweeps its part in a day",
        lambda _h, n: n / 24,
        anybody,
        clients=20,
    ),
    Shape(
        "stolen tokens", "three in a hundred tokens with their keys, in ten hours", lambda _h, n: n * 3 / 1_000, stolen
    ),
    Shape("contacts", "everybody, and 322 others for each", lambda _h, _n: 72_000, and_their_contacts),
    Shape("slow sweep", "everybody, evenly over 60 days", lambda _h, n: n / 1_440, anybody),
    Shape(
        "slow sweep at noon",
        "the same, begun at noon of an ordinary day",
        lambda _h, n: n / 1_440,
        anybody,
        begins=36,
        stays_below="half of it falls on either side of midnight, when the budgets of a day begin anew",
    ),
    Shape("slow sleepers", "one in a thousand a day, longest silent first", lambda _h, n: n / 24_000, sleepers),
    Shape(
        "patient drip",
        "one in four thousand a day, anybody",
        lambda _h, n: n / 96_000,
        anybody,
        stays_below="most of them would have been read soon anyway, and too few a day are woken up",
    ),
    Shape(
        "shadow",
        "only who is about anyway, once more a day",
        lambda _h, n: n / 200,
        awake,
        stays_below="nobody is woken up and nothing is read that the app did not have",
    ),
)


def _named(name: str) -> Shape:
    return next(shape for shape in SHAPES if shape.name == name)
