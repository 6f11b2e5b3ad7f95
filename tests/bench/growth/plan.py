"""Decides which stories are told, when and by whom: the proportions of the loaded database."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.bench.growth.stories import BANKS, MOST_READS, Kind, Stories

PLATFORMS = ("messenger", "ledgerly", "tally", "budgeteer", "notary")
SHARES = {
    Kind.LIVE: 0.40,
    Kind.PAUSED: 0.03,
    Kind.REVOKED: 0.20,
    Kind.EXPIRED: 0.25,
    Kind.REFUSED: 0.06,
    Kind.UNANSWERED: 0.06,
}
"""What became of the requests for permission."""
GRANTS_A_PERSON = 2.5
YEARS = 2
_LIVE_FOR = timedelta(days=80)  # of 90: none of them ends while it is measured


@dataclass(frozen=True, slots=True)
class Telling:
    """One story to be told: `person` is a number, and each person has at most one grant for each platform."""

    begins_at: datetime
    kind: Kind
    reads: int
    person: int
    platform: int

    @property
    def bank(self) -> str:
        """Return where the person has their accounts."""
        return BANKS[self.person % len(BANKS)]


def tellings(stories: Stories, grants: int, entries: int, now: datetime) -> Iterator[Telling]:
    """Plan so many grants with about so many entries that are over (or live) at `now`, in the order of their time."""
    drawn = random.Random(9)
    kinds = drawn.choices(list(SHARES), list(SHARES.values()), k=grants)
    slots = _slots(drawn, grants)
    fixed = sum(len(stories[BANKS[0], kind, 0].steps) for kind in kinds)
    given = sum(kind.is_given for kind in kinds) or 1
    mean = min(max((entries - fixed) / 2 / given, 0), MOST_READS)
    planned = []
    for kind, slot in zip(kinds, slots, strict=True):
        reads = _reads(drawn, mean) if kind.is_given else 0
        lasts = stories[BANKS[0], kind, reads].lasts + timedelta(minutes=1)
        oldest = _LIVE_FOR if kind.lasts else timedelta(days=365 * YEARS)
        back = lasts + (oldest - lasts) * drawn.random()
        planned.append((now - back, kind, reads, *divmod(slot, len(PLATFORMS))))
    for telling in sorted(planned, key=lambda one: one[0]):
        yield Telling(*telling)


def _reads(drawn: random.Random, mean: float) -> int:
    """Return a whole number from 0 to the most, around a mean."""
    spread = min(mean, MOST_READS - mean)
    low = mean - spread + drawn.random() * 2 * spread
    return int(low) + (drawn.random() < low - int(low))


def _slots(drawn: random.Random, grants: int) -> list[int]:
    """Give each person one to as many grants as there are platforms; return person and platform as one number."""
    slots: list[int] = []
    person = 0
    while len(slots) < grants:
        some = drawn.choices((1, 2, 3, 4, 5), (0.3, 0.25, 0.2, 0.15, 0.1))[0]
        slots += [person * len(PLATFORMS) + one for one in drawn.sample(range(len(PLATFORMS)), some)]
        person += 1
    del slots[grants:]
    drawn.shuffle(slots)
    return slots
