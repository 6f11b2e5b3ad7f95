"""The counters in the database and the pure ones count the same, whatever is read in whichever order."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from broker.clock import microseconds
from broker.harvest.counting import CountedRead, CountedRecords, look_up
from broker.harvest.tallies import Reading, forget_long_silent, seen_here
from broker.policy.harvest import Budget, Budgets, Counter, Known, Span, Tally, breached, counted
from tests.support.core import NOON, House

TIGHT = Budgets(tuple(Budget(counter, span, 3, 9_000) for counter in Counter for span in Span))
BANKS = ("harbor", "meridian")
AGREED = NOON - timedelta(days=90)
STEPS = [timedelta(minutes=7), timedelta(hours=5), timedelta(days=8), timedelta(days=40)]


class Model:
    """The same without a database."""

    def __init__(self) -> None:
        self.tallies = {bank: Tally() for bank in BANKS}
        self.known: dict[tuple[str, str], Known] = {}

    def reads(self, reading: Reading, agreed: int, records: int) -> bool:
        for tally in self.tallies.values():
            tally.begin(reading.at_s)
        own = self.tallies[reading.bank_id]
        others = [tally for bank, tally in self.tallies.items() if bank != reading.bank_id]
        known = self.known.get((reading.bank_id, reading.user_id), Known(microseconds(AGREED) // 1_000_000))
        counters = counted(known, reading.at_s, reading.oldest_s)
        if breached(TIGHT.touched(own.plus(others), agreed, known, counters)) is not None:
            return False
        own.add(known, counters)
        own.add_volume(records=records)
        self.known[reading.bank_id, reading.user_id] = known.after(reading.at_s, reading.oldest_s)
        return True


def readings(seed: int, count: int) -> Sequence[Reading]:
    rng, at, found = random.Random(seed), NOON, []
    for _ in range(count):
        at += rng.choices(STEPS, [30, 6, 2, 1])[0]
        oldest = rng.choice([None, at - timedelta(days=rng.choice([3, 60, 365]))])
        bank, user = rng.choice(BANKS), f"user-{rng.randrange(8)}"
        found.append(Reading("messenger", "transactions", bank, user, AGREED, at, oldest))
    return found


def test_database_and_model_agree_on_random_reads(house: House) -> None:
    model, outcomes = Model(), []
    with house.database.write() as session:
        for reading in readings(seed=6, count=150):
            before = look_up(session, TIGHT, reading, lambda: 8)
            is_counted = CountedRead(before).take(session)
            assert is_counted == (before.breach is None) == model.reads(reading, 8, records=2 if is_counted else 0)
            if is_counted:
                CountedRecords(before, 2).take(session)
            assert seen_here(session, reading).own(reading) == model.tallies[reading.bank_id]
            assert seen_here(session, reading).known == model.known.get(
                (reading.bank_id, reading.user_id), Known(microseconds(AGREED) // 1_000_000)
            )
            outcomes.append(is_counted)
            facts = before.facts()
            assert is_counted == (facts.people <= facts.people_ceiling and facts.records <= facts.records_ceiling)
    assert 20 < sum(outcomes) < 130


def test_records_have_a_budget_of_their_own(house: House) -> None:
    (reading,) = readings(seed=1, count=1)
    with house.database.write() as session:
        before = look_up(session, TIGHT, reading, lambda: 1)
        assert CountedRead(before).take(session)
        assert CountedRecords(before, 500).take(session)
        assert not CountedRecords(before, 1).take(session)
        broken = look_up(session, TIGHT, reading, lambda: 1).breach
        assert broken is not None
        assert broken.budget.counter is Counter.RECORDS
        assert not CountedRead(before).take(session)


def test_an_old_number_of_people_is_due_and_a_newer_one_where_a_few_more_would_make_room(house: House) -> None:
    first, *_ = readings(seed=2, count=1)
    wide = Budgets(tuple(replace(one, base=1_000) for one in TIGHT.all))
    with house.database.write() as session:
        assert look_up(session, wide, first).is_due
        CountedRead(look_up(session, wide, first, lambda: 5)).take(session)
        for span, is_due_wide, is_due_tight in (
            (9, False, False),
            (11, False, True),
            (901, True, True),
            (-9, True, True),
        ):
            now = replace(first, at=first.at + timedelta(seconds=span))
            assert [look_up(session, budgets, now).is_due for budgets in (wide, TIGHT)] == [is_due_wide, is_due_tight]
            assert look_up(session, wide, now).agreed.people == 5


def test_what_was_read_long_ago_is_forgotten(house: House) -> None:
    reading, *_ = readings(seed=3, count=1)
    with house.database.write() as session:
        CountedRead(look_up(session, TIGHT, reading, lambda: 8)).take(session)
        forget_long_silent(session, reading.at + timedelta(days=85))
        assert seen_here(session, reading).known.read_s == reading.at_s
        forget_long_silent(session, reading.at + timedelta(days=87))
        assert seen_here(session, reading).known.read_s is None
