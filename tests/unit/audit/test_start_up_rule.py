"""Before a process signs a log, the witnesses confirm it: a restored backup must not fork it (05, fail closed)."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from broker.audit.confirmation import Confirmation
from broker.audit.submission import Says, Statement
from broker.audit.tree import head_of
from broker.audit.witnessed import cosigned_checkpoint, keep
from broker.audit.witnesses import Witness, Witnesses
from broker.errors import LogUnavailable, NotFound, StorageUnavailable
from broker.tlog.checkpoint import open_cosigned
from broker.tlog.cosignature import Cosigner
from tests.support.core import LOG_KEYS
from tests.support.served import free_port
from tests.support.small_logs import SmallLog
from tests.support.waiting import until
from tests.support.witnessed import CHANGE, ENTRY, LOG, Watched, submission_on, watched, witness_at


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(LogUnavailable) as refused:
        act()
    return refused.value.code


def changes(watched_log: Watched) -> None:
    with watched_log.process().transaction(["harbor"]) as transaction:
        transaction.append(CHANGE)


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Watched]:
    with watched(tmp_path) as opened:
        yield opened


def size(log: Watched) -> int:
    with log.house.database.read() as session:
        return head_of(session, LOG).size


def test_a_restored_backup_is_never_signed_and_says_why(one: Watched) -> None:
    one.process().append(ENTRY)
    copy = one.backup()
    one.process().append(ENTRY)
    assert one.submits() == ["consistent"]
    one.restore(copy)
    process = one.process()
    assert code_of(lambda: process.append(ENTRY)) == "log-forked"
    assert code_of(lambda: changes(one)) == "log-forked"
    assert code_of(process.permits.check_current) == "log-forked"
    assert size(one) == 1


def test_a_restored_backup_of_the_newest_state_goes_on(one: Watched) -> None:
    one.process().append(ENTRY)
    assert one.submits() == ["consistent"]
    one.restore(one.backup())
    process = one.process()
    process.append(ENTRY)
    process.permits.check_current()
    assert (size(one), one.submits()) == (2, ["consistent"])


def test_a_backup_from_before_the_log_was_opened_opens_no_second_one(one: Watched) -> None:
    copy = one.backup()
    one.process().append(ENTRY)
    assert one.submits() == ["consistent"]
    one.restore(copy)
    assert code_of(lambda: one.process().append(ENTRY)) == "log-forked"
    assert code_of(lambda: changes(one)) == "log-forked"


def test_a_fork_that_has_grown_beyond_what_was_witnessed_is_found_too(one: Watched) -> None:
    one.process().append(ENTRY)
    copy = one.backup()
    for _ in range(3):
        one.process().append(ENTRY)
    assert one.submits() == ["consistent"]
    one.restore(copy)
    one.house.watch.passes(minutes=1)
    for _ in range(5):
        one.house.sequencer.append(ENTRY)  # as a broker without the rule would
    assert one.submits() == ["contradicts"]
    assert code_of(lambda: one.process().append(ENTRY)) == "log-forked"


def test_a_state_row_that_is_not_what_was_signed_is_shown_to_nobody(one: Watched) -> None:
    one.process().append(ENTRY)
    one.house.runs("CREATE TABLE kept AS SELECT checkpoint FROM audit_logs")
    one.process().append(ENTRY)
    one.house.runs("UPDATE audit_logs SET checkpoint = (SELECT checkpoint FROM kept)")
    with pytest.raises(StorageUnavailable):
        one.submits()
    assert code_of(lambda: one.process().append(ENTRY)) == "log-unavailable"


def test_another_process_that_writes_meanwhile_is_no_fork(one: Watched) -> None:
    other = one.process()
    other.append(ENTRY)
    assert one.submits() == ["consistent"]
    first = one.submission
    stop = threading.Event()

    def goes_on() -> None:
        while not stop.is_set():
            other.append(ENTRY)
            first.submit(one.witnesses.members[0], LOG)

    thread = threading.Thread(target=goes_on)
    thread.start()
    try:
        for _ in range(10):
            one.process().append(ENTRY)
    finally:
        stop.set()
        thread.join()


class Told:
    """Witnesses that say what they are told to; counts how often they are asked."""

    def __init__(self, *says: Says, quorum: int = 1) -> None:
        self.says = list(says)
        self.now = 100.0
        self.asked = 0
        cosigners = [Cosigner(f"w{number}.example", SmallLog("x").key) for number in range(len(says))]
        self.members = tuple(Witness(cosigner.verifier, "http://localhost:1") for cosigner in cosigners)
        self.confirmation = Confirmation(Witnesses(self.members, quorum), self.ask, lambda: self.now)

    def ask(self, witness: Witness, _log: str) -> Statement:
        self.asked += 1
        return Statement(witness.name, self.says[self.members.index(witness)], "so", 1)

    def outcome(self, *, for_access: bool) -> str:
        self.confirmation.inquire(LOG)
        try:
            self.confirmation.check(LOG, for_access=for_access)
        except LogUnavailable as error:
            return error.code
        return "signed"


_YES, _SILENT, _NO = Says.CONSISTENT, Says.UNANSWERED, Says.CONTRADICTS


@pytest.mark.parametrize(
    ("says", "quorum", "access", "change"),
    [
        ((_YES,), 1, "signed", "signed"),
        ((_YES, _SILENT), 1, "signed", "signed"),
        ((_YES, _SILENT), 2, "witnesses-unavailable", "signed"),
        ((_SILENT, _SILENT, _SILENT), 1, "witnesses-unavailable", "signed"),
        ((_YES, _YES, _NO), 1, "log-forked", "log-forked"),
        ((_SILENT, _NO), 2, "log-forked", "log-forked"),
        ((), 0, "signed", "signed"),
    ],
)
def test_what_may_be_signed_after_what_the_witnesses_said(
    says: tuple[Says, ...], quorum: int, access: str, change: str
) -> None:
    told = Told(*says, quorum=quorum)
    assert (told.outcome(for_access=True), told.outcome(for_access=False)) == (access, change)


def test_a_log_that_nobody_has_asked_about_is_signed_by_neither_door() -> None:
    told = Told(_YES)
    for for_access in (True, False):
        with pytest.raises(LogUnavailable):
            told.confirmation.check(LOG, for_access=for_access)


def test_after_its_confirmation_nobody_is_asked_again() -> None:
    told = Told(_YES)
    for _ in range(5):
        assert told.outcome(for_access=True) == "signed"
    assert told.asked == 1


def test_a_missing_quorum_is_asked_for_again_after_a_pause_and_heals_by_itself() -> None:
    told = Told(_SILENT)
    assert [told.outcome(for_access=True) for _ in range(3)] == ["witnesses-unavailable"] * 3
    assert told.asked == 1
    told.says, told.now = [_YES], told.now + 5
    until(lambda: told.outcome(for_access=True) == "signed")
    assert told.asked == 2


def test_a_contradiction_is_final() -> None:
    told = Told(_NO)
    assert told.outcome(for_access=False) == "log-forked"
    told.says, told.now = [_YES], told.now + 3_600
    assert told.outcome(for_access=False) == "log-forked"
    assert (told.asked, told.confirmation.forked) == (1, [LOG])


def test_one_thread_asks_and_the_first_time_the_others_wait_for_it() -> None:
    told = Told(_SILENT)
    may_answer, outcomes = threading.Event(), []
    plain = told.ask

    def slowly(witness: Witness, log: str) -> Statement:
        may_answer.wait(20)
        return plain(witness, log)

    confirmation = Confirmation(Witnesses(told.members, 1), slowly, lambda: told.now)
    told.confirmation = confirmation
    threads = [threading.Thread(target=lambda: outcomes.append(told.outcome(for_access=True))) for _ in range(6)]
    for thread in threads:
        thread.start()
    assert outcomes == []
    may_answer.set()
    for thread in threads:
        thread.join()
    assert (outcomes, told.asked) == (["witnesses-unavailable"] * 6, 1)
    # Later nobody waits, and still only one asks.
    may_answer.clear()
    told.now += 5
    assert [told.outcome(for_access=True) for _ in range(3)] == ["witnesses-unavailable"] * 3
    told.says = [_YES]
    may_answer.set()
    until(lambda: told.outcome(for_access=True) == "signed")
    assert told.asked == 2


def test_a_database_that_is_away_while_asking_again_is_asked_after_the_next_pause() -> None:
    told = Told(_SILENT)
    assert told.outcome(for_access=True) == "witnesses-unavailable"
    plain, failures = told.ask, []

    def fails(_witness: Witness, _log: str) -> Statement:
        failures.append(1)
        raise StorageUnavailable

    told.confirmation._ask = fails
    told.now += 5
    until(lambda: told.outcome(for_access=True) == "witnesses-unavailable" and failures)
    until(lambda: not told.confirmation._standing(LOG).asking.locked())
    told.confirmation._ask, told.says = plain, [_YES]
    told.now += 5
    until(lambda: told.outcome(for_access=True) == "signed")


def test_no_transaction_lock_or_fence_is_held_while_the_witnesses_are_asked(one: Watched) -> None:
    grant_id = one.house.approved(["balances"])
    free: list[bool] = []
    plain = one.submission.submit

    def asked(witness: Witness, log: str) -> Statement:
        with one.house.fences.exclusive([grant_id]), one.house.database.write():
            free.append(True)
        return plain(witness, log)

    process = one.process()
    process.permits._confirmation = Confirmation(one.witnesses, asked)
    one.house.grants._sequencer = process
    one.house.grants.pause_all(one.house.alice)
    process.append(ENTRY)
    assert free == [True]


def test_without_its_witness_pages_work_and_data_does_not_flow(one: Watched) -> None:
    one.process().append(ENTRY)
    port = free_port()
    silent = witness_at(one.witnesses.members[0].verifier, port)
    alone = Watched(one.house, Witnesses((silent,), 1), submission_on(one.house.database, [port]))
    process = alone.process()
    assert code_of(lambda: process.append(ENTRY)) == "witnesses-unavailable"
    with process.transaction(["harbor"]) as transaction:
        transaction.append(CHANGE)
    process.permits.check_current()
    assert size(one) == 2


def test_a_cosigned_checkpoint_of_any_size_can_be_shown_again(one: Watched) -> None:
    process, submission, (witness,) = one.process(), one.submission, one.witnesses.members
    trusted = [*LOG_KEYS.verifiers(LOG), witness.verifier]
    with one.house.database.read() as session, pytest.raises(NotFound):
        cosigned_checkpoint(session, LOG)
    shown = {}
    for _ in range(3):
        process.append(ENTRY)
        said = submission.submit(witness, LOG)
        assert said.checkpoint is not None
        for _ in range(2):  # a second time changes nothing
            with one.house.database.write() as session:
                keep(session, said.checkpoint, said.note, {said.witness: said.line})
        shown[said.size] = said.note + said.line
    process.append(ENTRY)
    with one.house.database.read() as session:
        for at, note in shown.items():
            assert cosigned_checkpoint(session, LOG, at) == note
            assert len(open_cosigned(note, trusted, LOG)[1].verified) == 2
        assert cosigned_checkpoint(session, LOG) == shown[3]
        for at in (0, 4, 5):
            with pytest.raises(NotFound):
                cosigned_checkpoint(session, LOG, at)
