"""What platforms read is counted in the log's transaction; who breaks a budget is held, and the logs say so."""

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import event
from structlog.testing import capture_logs

from broker.audit.vocabulary import Event
from broker.banks.connector import BankAccess
from broker.errors import FrequencyExceeded, InvalidRequest, NotFound, ReleaseRefused
from broker.grants.agreed import people_who_agreed
from broker.grants.erasure import Erasure
from broker.grants.service import Part
from broker.harvest import holds
from broker.harvest.tallies import Reading
from broker.policy.harvest import Budget, Budgets, Counter, Room, Span
from broker.release import Wanted
from broker.release.counting import recount_stalest
from broker.storage.single_use import Loss
from tests.support.core import House, as_text, call_of

TWO_SILENT = Budgets(
    tuple(
        Budget(counter, span, 2 if counter is Counter.AFTER_A_WEEK and span is Span.DAY else 1_000, 1)
        for counter in Counter
        for span in Span
    )
)


def with_budgets(house: House, budgets: Budgets) -> None:
    house.catalogue = replace(house.catalogue, harvest=budgets)
    house.release = replace(house.release, catalogue=house.catalogue)


def grants_of(house: House, people: int, bank: str = "harbor") -> list[str]:
    """Have so many people agree, and a week pass."""
    found = []
    for number in range(people):
        person = replace(house.alice, user_id=house.signs_in(f"sub-{bank}-{number}", bank).user_id)
        found.append(house.approved(bank=bank, actor=person))
    house.watch.passes(days=8)
    return found


def reads(house: House, grant_id: str, category: str = "balances") -> None:
    with house.release.read(call_of(grant_id), Wanted(category), as_text).held:
        pass


def is_refused(house: House, grant_id: str, category: str = "balances") -> bool:
    try:
        reads(house, grant_id, category)
    except ReleaseRefused as error:
        return error.code == "harvest-hold"
    return False


def test_the_first_read_beyond_a_budget_is_refused_and_holds_the_platform(house: House) -> None:
    with_budgets(house, TWO_SILENT)
    grants = grants_of(house, 4)
    with capture_logs() as lines:
        assert [is_refused(house, grant_id) for grant_id in grants] == [False, False, True, True]
    assert [(line["event"], line["log_level"]) for line in lines if line["event"] == "harvest.held"] == [
        ("harvest.held", "error")
    ]
    with house.database.read() as session:
        (hold,) = holds.holds(session)
    assert (hold.platform_id, hold.category) == ("messenger", "balances")
    assert (hold.budget, hold.counted, hold.ceiling) == ("after_a_week-day", 2, 2)
    assert not is_refused(house, grants[3], "accounts")
    assert is_refused(house, grants[0])


def test_the_hold_counts_at_every_bank_and_stands_in_each_log_concerned(house: House) -> None:
    with_budgets(house, TWO_SILENT)
    other, *here = [*grants_of(house, 1, "meridian"), *grants_of(house, 2)]
    assert [is_refused(house, grant_id) for grant_id in (other, *here)] == [False, False, True]
    assert is_refused(house, other)
    held = [entry for entry in house.log() if entry.event is Event.PLATFORM_HELD]
    assert sorted(entry.bank_id for entry in held) == ["harbor", "meridian", "operator"]
    assert {(entry.platform_id, entry.category, entry.decision) for entry in held} == {
        ("messenger", "balances", "allowed")
    }


def test_a_bank_is_not_told_how_much_was_read_at_others(house: House) -> None:
    with_budgets(house, TWO_SILENT)
    for grant_id in grants_of(house, 3):
        is_refused(house, grant_id)
    leaves = dict(house.store.rows("SELECT log, leaf FROM audit_entries WHERE event = 'platform.held'"))
    told = {name.split("/")[-2]: bytes(leaf).decode() for name, leaf in leaves.items()}
    assert '"counted":2' in told["operator"]
    assert '"budget":"after_a_week-day"' in told["harbor"]
    assert "counted" not in told["harbor"]
    assert "ceiling" not in told["harbor"]


def test_the_operator_ends_a_hold_with_a_reason_and_counting_begins_anew(house: House) -> None:
    with_budgets(house, TWO_SILENT)
    grants = grants_of(house, 4)
    assert [is_refused(house, grant_id) for grant_id in grants] == [False, False, True, True]
    for reason in ("", " ", "x" * 501, "a\x1b[31m"):
        with pytest.raises(InvalidRequest):
            holds.lift(house.sequencer, "messenger", "balances", reason, house.watch())
    holds.lift(house.sequencer, "messenger", "balances", "They launched a feature; seen with them.", house.watch())
    unheld = [entry.bank_id for entry in house.log() if entry.event is Event.PLATFORM_UNHELD]
    assert sorted(unheld) == ["harbor", "operator"]
    assert [is_refused(house, grant_id) for grant_id in grants[2:]] == [False, False]
    with pytest.raises(NotFound):
        holds.lift(house.sequencer, "messenger", "balances", "once more", house.watch())


def test_a_hold_that_comes_while_the_bank_answers_stops_the_answer(house: House) -> None:
    with_budgets(house, TWO_SILENT)
    slow, *others = grants_of(house, 4)

    def meanwhile(_access: BankAccess) -> None:
        house.bank.meanwhile = lambda _access: None
        assert [is_refused(house, grant_id) for grant_id in others] == [False, True, True]

    house.bank.meanwhile = meanwhile
    assert is_refused(house, slow)
    entries = [entry.event.value for entry in house.log() if entry.category == "balances" and entry.bank_id == "harbor"]
    after = entries[entries.index("platform.held") :]
    assert "access.released" not in after


def test_a_read_that_loses_its_proof_counts_for_nothing(house: House) -> None:
    (grant_id,) = grants_of(house, 1)
    before = counts(house)
    call = replace(call_of(grant_id), claims=(Lost(),))
    with pytest.raises(FrequencyExceeded):
        house.release.read(call, Wanted("balances"), as_text)
    assert counts(house) == before


class Lost:
    """A condition that never holds."""

    key, loss = "z lost", Loss("frequency-exceeded", "release.lost", "lost")

    def take(self, _session: Any) -> bool:
        return False


def counts(house: House) -> list[Any]:
    return [*house.store.rows("SELECT * FROM harvest_tallies"), *house.store.rows("SELECT * FROM harvest_reads")]


def test_who_agreed_are_people_and_a_pause_is_no_end(house: House) -> None:
    first, _, third = grants_of(house, 3)
    house.approved()
    house.approved()

    def agreed(category: str = "balances", platform: str = "messenger") -> int:
        with house.database.read() as session:
            return people_who_agreed(session, platform, category, house.watch())

    assert agreed() == 4
    people = {row[0]: row[1] for row in house.store.rows("SELECT id, user_id FROM grants")}
    house.grants.pause(replace(house.alice, user_id=people[first]), first, Part())
    house.grants.revoke(replace(house.alice, user_id=people[third]), third, Part())
    assert (agreed(), agreed("thoughts"), agreed(platform="other")) == (3, 0, 0)
    house.watch.passes(days=400)
    assert agreed() == 0


def test_as_many_people_as_agreed_are_read_and_no_more(house: House) -> None:
    grants = grants_of(house, 5)
    for grant_id in grants * 3:
        reads(house, grant_id)
    subjects = house.store.rows("SELECT DISTINCT subject FROM audit_entries WHERE event = 'access.released'")
    with house.database.read() as session:
        agreed = people_who_agreed(session, "messenger", "balances", house.watch())
    assert len(subjects) / agreed == 1.00


def test_who_is_forgotten_leaves_no_trace_of_when_they_were_read(house: House) -> None:
    first, second = grants_of(house, 2)
    reads(house, first)
    reads(house, second)
    person = house.grant(first).user_id
    Erasure(house.sequencer, house.fences, house.watch).erase(person, "harbor")
    assert [row[0] for row in house.store.rows("SELECT user_id FROM harvest_reads")] == [house.grant(second).user_id]


FUSE = Budgets((Budget(Counter.PEOPLE, Span.HOUR, 2, 11_000),))


def test_a_quick_launch_is_held_by_no_old_number(house: House) -> None:
    with_budgets(house, FUSE)
    for number in range(8):
        person = replace(house.alice, user_id=house.signs_in(f"sub-{number}").user_id)
        assert not is_refused(house, house.approved(actor=person))
        house.watch.passes(seconds=11)


def test_who_agrees_within_seconds_is_read_too(house: House) -> None:
    """The number is new when the calls begin; then others agree and take the room."""
    with_budgets(house, FUSE)
    people = [replace(house.alice, user_id=house.signs_in(f"sub-{number}").user_id) for number in range(6)]
    for person in people:
        assert not is_refused(house, house.approved(actor=person))


def test_a_call_that_is_refused_anyway_and_one_in_a_hold_count_nobody_anew(house: House) -> None:
    grants = grants_of(house, 3)
    statements: list[str] = []
    sqlalchemy.event.listen(house.database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    house.grants.pause(replace(house.alice, user_id=house.grant(grants[0]).user_id), grants[0], Part())
    with pytest.raises(ReleaseRefused):
        reads(house, grants[0])
    assert not [one for one in statements if "count(DISTINCT" in one]
    with_budgets(house, TWO_SILENT)
    reads(house, grants[1])
    assert [one for one in statements if "count(DISTINCT" in one]


def test_a_bank_that_is_read_while_the_hold_is_placed_is_told_of_it(house: House) -> None:
    here, there = [*grants_of(house, 1), *grants_of(house, 1, "meridian")]
    reads(house, here)
    asked = house.sequencer.look_up

    class Late:
        """A sequencer whose first look was before a read at another bank."""

        transaction = staticmethod(house.sequencer.transaction)
        is_first = True

        def look_up(self, question: Any) -> Any:
            found = asked(question)
            if self.is_first:
                self.is_first = False
                reads(house, there)
            return found

    late: Any = Late()
    broken = Room(TWO_SILENT.all[0], 2, 2)
    person = house.grant(here).user_id
    holds.place(late, broken, Reading("messenger", "balances", "harbor", person, house.watch(), house.watch()))
    held = [entry.bank_id for entry in house.log() if entry.event is Event.PLATFORM_HELD]
    assert sorted(held) == ["harbor", "meridian", "operator"]


def agreed(house: House) -> list[tuple[int, str]]:
    """Return how many had agreed, and when that was counted, by the newest number of all banks."""
    rows = house.store.rows("SELECT agreed, agreed_at FROM harvest_tallies ORDER BY agreed_at DESC")
    return [(row[0], str(row[1])[:16]) for row in rows]


def test_the_worker_counts_who_agreed_before_a_call_has_to_wait_for_it(house: House) -> None:
    first, *_ = grants_of(house, 3)
    reads(house, first)
    assert agreed(house)[0][0] == 3
    assert not recount_stalest(house.database, house.watch())
    house.approved(actor=replace(house.alice, user_id=house.signs_in("sub-new", "harbor").user_id))
    house.watch.passes(minutes=11)
    at = f"{house.watch():%Y-%m-%d %H:%M}"
    assert recount_stalest(house.database, house.watch())
    assert not recount_stalest(house.database, house.watch())
    assert agreed(house)[0] == (4, at)
    house.watch.passes(minutes=14)
    counted: list[str] = []
    event.listen(house.database.engine, "before_cursor_execute", lambda *given: counted.append(given[2].lower()))
    reads(house, first)
    assert not any("count(distinct" in one for one in counted)
    assert agreed(house)[0] == (4, at)


def test_a_call_that_was_under_way_leaves_a_newer_count_of_people_alone(house: House) -> None:
    first, *_ = grants_of(house, 2)
    reads(house, first)
    house.watch.passes(minutes=11)

    def meanwhile(_access: BankAccess) -> None:
        house.approved(actor=replace(house.alice, user_id=house.signs_in("sub-new", "harbor").user_id))
        assert recount_stalest(house.database, house.watch())

    house.bank.meanwhile = meanwhile
    reads(house, first)
    assert agreed(house)[0] == (3, f"{house.watch():%Y-%m-%d %H:%M}")
