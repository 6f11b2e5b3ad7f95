"""A contradiction that comes late, and a database put back under running processes: neither is signed on (05)."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from broker.audit.confirmation import Confirmation
from broker.audit.pushing import Pusher
from broker.audit.sequencer import Sequencer
from broker.audit.submission import Says, Statement
from broker.audit.tree import head_of
from broker.audit.witnesses import Witness, Witnesses
from broker.audit.writer import Writer
from broker.crypto.sealing import Sealer
from broker.errors import LogUnavailable
from broker.grants.erasure import Erasure
from broker.grants.service import Grants
from broker.release import Wanted
from tests.support.core import KEY, LOG_KEYS, as_text, call_of
from tests.support.waiting import until
from tests.support.witnessed import CHANGE, ENTRY, LOG, Watched, submission_on, watched

_NEVER = threading.Event()


def code_of(act: Callable[[], object]) -> str:
    try:
        act()
    except LogUnavailable as error:
        return error.code
    return "signed"


@dataclass
class Process:
    """A broker process with its own clock for pauses; the witnesses in `silent` do not answer it."""

    log: Watched
    silent: set[str] = field(default_factory=set)
    now: float = 100.0
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        writer = Writer(Sealer(KEY), LOG_KEYS, self.log.house.watch, "broker.example")
        confirmation = Confirmation(self.log.witnesses, self.ask, lambda: self.now)
        self.sequencer = Sequencer(self.log.house.database, writer, confirmation)

    def ask(self, witness: Witness, log: str) -> Statement:
        self.asked.append(log)
        if witness.name in self.silent:
            return Statement(witness.name, Says.UNANSWERED, "so")
        return self.log.submission.ask(witness, log)

    def accesses(self) -> str:
        return code_of(lambda: self.sequencer.append(ENTRY))

    def changes(self) -> str:
        def change() -> None:
            with self.sequencer.transaction(["harbor"]) as transaction:
                transaction.append(CHANGE)

        return code_of(change)

    def is_ready(self) -> str:
        return code_of(self.sequencer.permits.check_current)


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Watched]:
    with watched(tmp_path) as opened:
        yield opened


@pytest.fixture
def forking(tmp_path: Path) -> Iterator[tuple[Watched, Process, Process]]:
    """Two processes on a restored backup: one of two witnesses has slept since it was made, the other is silent."""
    with watched(tmp_path, count=2, quorum=1) as log:
        stale, late = log.witnesses.members
        Process(log).accesses()
        copy = log.backup()
        Process(log).accesses()
        assert log.submission.submit(late, LOG).says is Says.CONSISTENT
        log.restore(copy)
        log.house.watch.passes(minutes=1)
        first, second = Process(log, {late.name}), Process(log, {late.name})
        assert (first.accesses(), second.accesses()) == ("signed", "signed")
        assert (first.is_ready(), second.is_ready()) == ("signed", "signed")
        assert log.submission.submit(stale, LOG).says is Says.CONSISTENT
        yield log, first, second


def size(log: Watched) -> int:
    with log.house.database.read() as session:
        return head_of(session, LOG).size


def test_a_witness_that_answers_late_stops_every_process(forking: tuple[Watched, Process, Process]) -> None:
    log, first, second = forking
    first.silent.clear()
    assert first.accesses() == "signed"  # the pause is not over
    first.now += 5
    until(lambda: first.accesses() == "log-forked")
    before = size(log)
    assert second.is_ready() == "log-forked"
    assert (second.accesses(), second.changes(), first.is_ready()) == ("log-forked",) * 3
    assert size(log) == before


def test_what_the_pusher_hears_stops_every_process(forking: tuple[Watched, Process, Process]) -> None:
    log, first, second = forking
    before = size(log)
    Pusher(log.submission, log.witnesses.members[1]).push_due(_NEVER)
    for process in (first, second):
        assert (process.accesses(), process.changes(), process.is_ready()) == ("log-forked",) * 3
    assert size(log) == before


def test_a_contradiction_counts_as_long_as_its_witness_is_configured(
    forking: tuple[Watched, Process, Process],
) -> None:
    log, _, _ = forking
    stale, late = log.witnesses.members
    Pusher(log.submission, late).push_due(_NEVER)
    without = Process(replace(log, witnesses=Witnesses((stale,), 1)))
    assert (without.accesses(), without.is_ready()) == ("signed", "signed")
    again = Process(log, {late.name})
    assert (again.accesses(), again.is_ready()) == ("log-forked", "log-forked")


def test_those_that_were_silent_are_asked_ever_more_rarely_and_nobody_twice(tmp_path: Path) -> None:
    with watched(tmp_path, count=2, quorum=1) as log:
        process = Process(log, {log.witnesses.members[1].name})
        for wait, asked in ((0, 2), (4, 2), (1, 3), (5, 3), (5, 4), (19, 4), (1, 5)):
            process.now += wait
            assert process.accesses() == "signed"
            until(lambda asked=asked: len(process.asked) == asked)
            standing = process.sequencer.permits._confirmation._standing(LOG)
            until(lambda standing=standing: not standing.asking.locked())
        process.silent.clear()
        process.now += 60
        for _ in range(3):
            assert process.accesses() == "signed"
            until(lambda: len(process.asked) == 6)
            process.now += 60


def test_a_database_put_back_under_a_running_process_is_not_signed(one: Watched) -> None:
    process = Process(one)
    process.accesses()
    copy = one.backup()
    assert [process.accesses() for _ in range(3)] == ["signed"] * 3
    assert one.submits() == ["consistent"]
    one.restore(copy)
    assert process.accesses() == "log-unavailable"  # found under the lock, where nobody is asked
    assert [process.accesses(), process.changes(), process.is_ready()] == ["log-forked"] * 3
    assert size(one) == 1


def test_while_nobody_answers_a_shorter_log_is_signed_by_neither_door(one: Watched) -> None:
    process = Process(one)
    process.accesses()
    copy = one.backup()
    process.accesses()
    newest = one.backup()
    process.silent.add(one.witnesses.members[0].name)
    one.restore(copy)
    assert process.accesses() == "log-unavailable"
    assert [process.changes(), process.accesses()] == ["witnesses-unavailable"] * 2
    assert size(one) == 1
    one.restore(newest)
    assert [process.changes(), process.accesses()] == ["signed", "witnesses-unavailable"]
    process.silent.clear()
    process.now += 5
    until(lambda: process.accesses() == "signed")


def test_what_no_witness_has_seen_is_given_up_when_they_confirm_what_is_left(one: Watched) -> None:
    process = Process(one)
    process.accesses()
    copy = one.backup()
    process.accesses()
    one.restore(copy)
    assert [process.accesses() for _ in range(2)] == ["log-unavailable", "signed"]
    assert process.is_ready() == "signed"


def test_another_end_of_the_same_size_is_not_signed(one: Watched) -> None:
    process = Process(one)
    process.accesses()
    copy = one.backup()
    process.accesses()
    assert one.submits() == ["consistent"]
    one.restore(copy)
    one.house.watch.passes(minutes=1)
    one.house.sequencer.append(ENTRY)  # as a broker without the rule would
    assert [process.accesses() for _ in range(2)] == ["log-unavailable", "log-forked"]


def test_an_answer_from_before_the_log_was_found_shorter_confirms_nothing(one: Watched) -> None:
    process = Process(one)
    confirmation = process.sequencer.permits._confirmation
    process.accesses()
    standing = confirmation._standing(LOG)
    yes = [Statement(one.witnesses.members[0].name, Says.CONSISTENT, "so")]
    standing.is_doubted, standing.says = True, None
    confirmation._judge(standing, yes, is_stale=True)
    assert standing.says is None
    confirmation._judge(standing, yes, is_stale=False)
    assert standing.says is Says.CONSISTENT


def test_the_pusher_shows_a_log_that_was_put_back(one: Watched) -> None:
    now = [0.0]
    pusher = Pusher(one.submission, one.witnesses.members[0], lambda: now[0])
    Process(one).accesses()
    copy = one.backup()
    running = Process(one)
    running.accesses()
    pusher.push_due(_NEVER)
    one.restore(copy)
    now[0] += 4
    pusher.push_due(_NEVER)
    assert running.is_ready() == "log-forked"


@pytest.mark.parametrize("act", ["pauses", "forgets"])
def test_who_takes_fences_has_asked_before(one: Watched, act: str) -> None:
    house = one.house
    grant_id = house.approved(["balances"])
    free: list[bool] = []

    class Looking(Process):
        def ask(self, witness: Witness, log: str) -> Statement:
            with house.fences.exclusive([grant_id]), house.database.write():
                free.append(True)
            return super().ask(witness, log)

    sequencer = Looking(one).sequencer
    if act == "pauses":
        Grants(sequencer, house.fences, house.watch).pause_all(house.alice)
    else:
        Erasure(sequencer, house.fences, house.watch).erase(house.alice.user_id, "harbor")
    assert free == [True]


def test_nobody_is_asked_under_the_fence_of_a_release(one: Watched) -> None:
    grant_id, process = one.house.approved(["balances"]), Process(one)
    release = replace(one.house.release, sequencer=process.sequencer)

    def a_year_ends(_access: object) -> None:
        if process.asked == [LOG]:
            with one.house.sequencer.transaction(["harbor"]) as transaction:
                if transaction.log_of("harbor") == LOG:
                    transaction.succeed("harbor", f"{LOG[:-4]}2027")
            assert process.accesses() == "log-unavailable"  # another call finds it first

    one.house.bank.meanwhile = a_year_ends
    assert code_of(lambda: release.read(call_of(grant_id), Wanted("balances"), as_text)) == "log-unavailable"
    assert process.asked == [LOG]
    assert (process.accesses(), process.asked) == ("signed", [LOG, f"{LOG[:-4]}2027"])


def test_one_damaged_log_keeps_no_other_from_being_pushed_or_confirmed(one: Watched) -> None:
    other = LOG.replace("harbor", "meridian")
    for bank in ("harbor", "meridian"):
        one.house.sequencer.append(replace(ENTRY, bank_id=bank))
    one.house.runs("UPDATE audit_logs SET frontier = 'x' WHERE owner = 'harbor'")
    process = Process(one)
    process.sequencer.permits.obtain_all()
    assert process.asked == [LOG, other]
    assert process.accesses() == "log-unavailable"
    process.sequencer.append(replace(ENTRY, bank_id="meridian"))
    now = [0.0]
    pusher = Pusher(submission_on(one.house.database, one.ports), one.witnesses.members[0], lambda: now[0])
    for _ in range(3):
        pusher.push_due(_NEVER)
    turns = pusher._turns
    assert (turns[LOG].note, turns[LOG].next_at) == (None, 8.0)  # not again at once
    assert turns[other].note is not None
