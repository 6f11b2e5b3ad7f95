"""The shapes of a harvest: whom each reads in an hour, how far back, how much. Honest traffic goes on beside them."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.simulation.population import CHAT, DAY_S, FULL_HISTORY, QUIET, Kind, Platform

Choice = Callable[[Platform, random.Random], Iterator[int]]


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape. `an_hour` says how many people it reads in an hour of the day, `choice` in which order.

    `clients`: among how many clients of one owner the people and the harvest are divided.
    """

    name: str
    does: str
    an_hour: Callable[[int, int], float]
    choice: Choice
    days: int | None = 30
    records: int = 60
    kind: Kind = CHAT
    clients: int = 1
    most_people: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far a harvest came: people and reads until it was stopped, after how many hours, by which budget."""

    shape: Shape
    people: int
    reads: int
    hours: int
    stopped_by: str | None
    of_people: int

    @property
    def is_within_goal(self) -> bool:
        """Say whether it was stopped before 1 % of all people, or before 1,000 reads."""
        return self.stopped_by is not None and (self.people < self.of_people / 100 or self.reads < 1_000)


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
        sum(platform.agreed for platform in platforms),
    )


def _run_one(platform: Platform, shape: Shape, most_days: int) -> Outcome:
    rng, taken, reads, owed, start = platform.rng, set[int](), 0, 0.0, platform.hour
    order = shape.choice(platform, rng)
    while platform.hour - start < most_days * 24:
        owed += shape.an_hour(platform.hour % 24, platform.agreed)
        # The harvest goes first in each hour: the honest reads after it find the room that it has left.
        while owed >= 1:
            owed -= 1
            person = next(order, None)
            if person is None:
                return Outcome(shape, len(taken), reads, platform.hour - start, None, platform.agreed)
            broken = platform.room_for(person, shape.days)
            if broken is not None:
                code = broken.budget.code
                return Outcome(shape, len(taken), reads, platform.hour - start, code, platform.agreed)
            platform.take(person, shape.days, shape.records)
            taken.add(person)
            reads += 1
        platform.honest_hour()
        if (over := platform.over()) is not None:
            return Outcome(shape, len(taken), reads, platform.hour - start, over.budget.code, platform.agreed)
        platform.next_hour()
    return Outcome(shape, len(taken), reads, most_days * 24, None, platform.agreed)


def anybody(platform: Platform, rng: random.Random) -> Iterator[int]:
    """Choose everybody once, in any order."""
    yield from rng.sample(range(platform.agreed), platform.agreed)


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
    Shape("slow sweep", "everybody, evenly over 60 days", lambda _h, n: n / 1_440, anybody),
    Shape("slow sleepers", "one in a thousand a day, longest silent first", lambda _h, n: n / 24_000, sleepers),
    Shape("patient drip", "one in four thousand a day, anybody", lambda _h, n: n / 96_000, anybody),
    Shape("shadow", "only who is about anyway, once more a day", lambda _h, n: n / 200, awake, 30),
)
