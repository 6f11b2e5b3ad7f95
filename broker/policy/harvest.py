"""Counts what one platform reads of one category, and says which budget a further read would break. Pure arithmetic.

The database keeps these counters (`broker.harvest`), and `make sim` drives the very same ones. Instants are whole
seconds since 1970, as `*_s`: the simulation counts millions of reads.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

_DAY_S: Final = 86_400
_WEEK_S: Final = 7 * _DAY_S
_MONTH_S: Final = 28 * _DAY_S
_SEASON_S: Final = 3 * _MONTH_S
_TEN_THOUSAND: Final = 10_000


class Span(StrEnum):
    """How long a counter counts before it begins anew; `month` are 28 days. Spans begin at multiples since 1970."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


class Counter(StrEnum):
    """What is counted. `after_*`: people of whom nothing had been read for that long. People count once in a span.

    `further_back`: people whose data is read at least 28 days further back than ever before.
    """

    READS = "reads"
    RECORDS = "records"
    PEOPLE = "people"
    AFTER_A_WEEK = "after_a_week"
    AFTER_A_MONTH = "after_a_month"
    AFTER_A_SEASON = "after_a_season"
    FURTHER_BACK = "further_back"


_SPANS, _COUNTERS = tuple(Span), tuple(Counter)  # looked through several times in each call
LENGTH_S: Final[Mapping[Span, int]] = {Span.HOUR: 3_600, Span.DAY: _DAY_S, Span.MONTH: _MONTH_S}
VOLUME: Final = frozenset({Counter.READS, Counter.RECORDS})
"""The counters of how much; all others count people."""
_AWAKE: Final = (Counter.READS,)
_BY_SILENCE: Final = (
    (_WEEK_S, _AWAKE),
    (_MONTH_S, (*_AWAKE, Counter.AFTER_A_WEEK)),
    (_SEASON_S, (*_AWAKE, Counter.AFTER_A_WEEK, Counter.AFTER_A_MONTH)),
)
_ALL_SILENCES: Final = (*_AWAKE, Counter.AFTER_A_WEEK, Counter.AFTER_A_MONTH, Counter.AFTER_A_SEASON)


@dataclass(frozen=True, slots=True)
class Budget:
    """How much is ordinary: `base` for every platform, and `of_10000` for each ten thousand people who agreed."""

    counter: Counter
    span: Span
    base: int
    of_10000: int

    @property
    def code(self) -> str:
        """Return its name in the log and for the operator, such as `after_a_month-day`."""
        return f"{self.counter}-{self.span}"

    def ceiling(self, agreed: int) -> int:
        """Return how many are within the budget when so many people have agreed."""
        return self.base + agreed * self.of_10000 // _TEN_THOUSAND


@dataclass(frozen=True, slots=True)
class Room:
    """One budget with what is counted and what may be."""

    budget: Budget
    count: int
    ceiling: int


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the person before a read.

    `agreed_s`: when the broker last saw them agree. `read_s` and `reached_s`: when this platform last read this
    category of theirs, and the earliest instant that it asked for; None when it never did.
    """

    agreed_s: int
    read_s: int | None = None
    reached_s: int | None = None

    def after(self, at_s: int, oldest_s: int | None) -> "Known":
        """Return what is known after a read at `at_s` of what is not older than `oldest_s` (None: no history)."""
        reached = [instant for instant in (self.reached_s, oldest_s) if instant is not None]
        return Known(self.agreed_s, max(at_s, self.read_s or at_s), min(reached, default=None))


def counted(known: Known, at_s: int, oldest_s: int | None = None) -> tuple[Counter, ...]:
    """Return what a read adds one to, besides `people`, which depends on the span.

    Who agreed within the last day is there: the broker itself has seen them, whatever the platform says.
    """
    last_s = known.agreed_s if known.read_s is None else max(known.agreed_s, known.read_s)
    silence_s = at_s - last_s
    found = next((counters for below_s, counters in _BY_SILENCE if silence_s < below_s), _ALL_SILENCES)
    if oldest_s is not None and at_s - known.agreed_s >= _DAY_S:
        reaches = known.reached_s is None or oldest_s <= known.reached_s - _MONTH_S
        return (*found, Counter.FURTHER_BACK) if reaches else found
    return found


@dataclass(slots=True)
class Tally:
    """The counters of one platform and category at one bank, for each span since its beginning."""

    since_s: dict[Span, int] = field(default_factory=lambda: dict.fromkeys(_SPANS, 0))
    counts: dict[Span, dict[Counter, int]] = field(
        default_factory=lambda: {span: dict.fromkeys(_COUNTERS, 0) for span in _SPANS}
    )

    def begin(self, at_s: int) -> None:
        """Let the counters of each span that is over begin anew. A clock that steps back begins nothing."""
        for span, length_s in LENGTH_S.items():
            start_s = at_s - at_s % length_s
            if start_s > self.since_s[span]:
                self.since_s[span] = start_s
                self.counts[span] = dict.fromkeys(_COUNTERS, 0)

    def is_new_in(self, span: Span, known: Known) -> bool:
        """Say whether nothing of the person has been read since the span began."""
        return known.read_s is None or known.read_s < self.since_s[span]

    def add(self, known: Known, counters: Iterable[Counter]) -> None:
        """Count one read of a person."""
        for span, counts in self.counts.items():
            for counter in counters:
                counts[counter] += 1
            if self.is_new_in(span, known):
                counts[Counter.PEOPLE] += 1

    def add_volume(self, *, reads: int = 0, records: int = 0) -> None:
        """Count reads or records of people who have been counted."""
        for counts in self.counts.values():
            counts[Counter.READS] += reads
            counts[Counter.RECORDS] += records

    def plus(self, others: Iterable["Tally"]) -> "Tally":
        """Return the sum with the tallies of other banks, of the spans that are those of this one."""
        total = Tally(dict(self.since_s), {span: dict(counts) for span, counts in self.counts.items()})
        for other in others:
            for span in _SPANS:
                if other.since_s[span] == self.since_s[span]:
                    for counter in _COUNTERS:
                        total.counts[span][counter] += other.counts[span][counter]
        return total

    def to_json(self) -> dict[str, Any]:
        """Return the counters as JSON's values; what is nothing is left out."""
        return {
            span.value: {"since": self.since_s[span]} | {name.value: n for name, n in self.counts[span].items() if n}
            for span in _SPANS
        }

    @staticmethod
    def from_json(stored: Mapping[str, Mapping[str, int]]) -> "Tally":
        """Return the counters that `to_json` made this of."""
        return Tally(
            {span: stored[span]["since"] for span in _SPANS},
            {span: {name: stored[span].get(name, 0) for name in _COUNTERS} for span in _SPANS},
        )


@dataclass(frozen=True, slots=True)
class Budgets:
    """All budgets, by what they bound."""

    all: tuple[Budget, ...]

    def rooms(self, tally: Tally, agreed: int) -> tuple[Room, ...]:
        """Return every budget with what is counted and what may be when so many have agreed."""
        return tuple(Room(one, tally.counts[one.span][one.counter], one.ceiling(agreed)) for one in self.all)

    def touched(self, total: Tally, agreed: int, known: Known, counters: Iterable[Counter]) -> tuple[Room, ...]:
        """Return the budgets that a read would count against. Records count for any read: it brings some."""
        added = {*counters, Counter.RECORDS}
        return tuple(
            room
            for room in self.rooms(total, agreed)
            if room.budget.counter in added
            or (room.budget.counter is Counter.PEOPLE and total.is_new_in(room.budget.span, known))
        )


def breached(rooms: Iterable[Room]) -> Room | None:
    """Return the first budget with no room for one more."""
    return next((room for room in rooms if room.count >= room.ceiling), None)


def nearest(rooms: Iterable[Room], *, volume: bool) -> Room | None:
    """Return the budget with the least room, of those for how much or of those for people."""
    kind = [room for room in rooms if (room.budget.counter in VOLUME) is volume]
    return min(kind, key=lambda room: room.ceiling - room.count, default=None)
