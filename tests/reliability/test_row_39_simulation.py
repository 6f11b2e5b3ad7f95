"""Row 39: any order of acts, reads, faults, crashes and clock steps leaves every promise whole; a seed replays."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from broker.grants.proposals import AmendAction
from broker.policy.terms import Choice
from broker.policy.vocabulary import Detail, Precision
from broker.release import Wanted
from tests.support.core import DATA
from tests.support.log_replay import LogReplay
from tests.support.memory import folder_in_memory
from tests.support.simulated_reads import Reads
from tests.support.simulation import Simulation
from tests.support.sizes import Size

BANKS = st.sampled_from(["harbor", "meridian"])
WHICH = st.integers(0, 7)
PARTS = st.sampled_from(["", *DATA, "acc-1", "acc-2", "acc-9", "thoughts", "all"])
ACTS = st.sampled_from(["pause", "resume", "revoke"])
SOME = st.frozensets(st.sampled_from(DATA))


def _choices(fewest: int) -> st.SearchStrategy[Choice]:
    """Choices of at least so many categories and accounts. A filter would end long runs, which are the ones to see."""
    return st.builds(
        Choice,
        categories=st.lists(st.sampled_from(DATA), min_size=fewest, max_size=4, unique=True).map(tuple),
        accounts=st.lists(st.sampled_from(["acc-1", "acc-2"]), min_size=fewest, max_size=2, unique=True).map(tuple),
        duration_days=st.sampled_from([None, 1, 90]),
        lookback_days=st.sampled_from([None, 1, 60]),
        details=st.sampled_from([None, {"transactions": Detail.BASIC}]),
        precisions=st.sampled_from([None, {"card_locations": Precision.TOWN}]),
    )


CHOICES, GOOD_CHOICES = _choices(0), _choices(1)
WANTED = st.builds(Wanted, st.sampled_from(DATA), st.sampled_from([None, None, "acc-1", "acc-2", "acc-9"]))
STEPS_S = st.sampled_from([1, 1, 30, 30, 61, 200, -1, -5, -10, 301, 599, 601, 3_600, 86_401, 91 * 86_400])
MEANWHILE = st.sampled_from([*["nothing"] * 6, "act", "act", "bank fails", "time passes", "database fails", "crash"])
TROUBLE = st.sampled_from(
    [*["time"] * 5, *["recovers"] * 4, "full", "read-only", "locked", "restart", "dies soon", "dies soon"]
)


class Machine(RuleBasedStateMachine):
    """One run."""

    traces: list[list[tuple[Any, ...]]] = []  # noqa: RUF012 - of all runs of one test, to compare them

    def __init__(self) -> None:
        super().__init__()
        self.open = ExitStack()
        self.world = Simulation(self.open.enter_context(folder_in_memory()))
        self.platform, self.log = Reads(self.world), LogReplay()
        self.trace: list[tuple[Any, ...]] = []
        self.traces.append(self.trace)

    def _key(self, which: int) -> tuple[int, str]:
        number = which % len(self.world.consents)
        return number, list(self.world.consents)[number]

    def _read(
        self, key: str, names: frozenset[str], wanted: Wanted, meanwhile: Callable[[], object], *, replays: bool
    ) -> str:
        return self.platform.reads(key, names, wanted, meanwhile=meanwhile, replays=replays)

    def _done(self, *what: Any) -> None:
        self.trace.append(what)

    @rule(bank=BANKS)
    def proposes(self, bank: str) -> None:
        self._done("proposes", bank, self.world.proposes(bank))

    @initialize(bank=BANKS, choice=GOOD_CHOICES)
    def begins(self, bank: str, choice: Choice) -> None:
        self.shares(bank, choice)

    @rule(bank=BANKS, choice=GOOD_CHOICES)
    def shares(self, bank: str, choice: Choice) -> None:
        """The usual way at once, so that most runs have something to read."""
        before = len(self.world.consents)
        self.world.proposes(bank)
        if len(self.world.consents) > before:
            _, key = self._key(before)
            self._done("shares", self.world.approves(key, choice), self.world.redeems(key))

    @precondition(lambda self: self.world.consents)
    @rule(which=WHICH, choice=CHOICES)
    def approves(self, which: int, choice: Choice) -> None:
        number, key = self._key(which)
        self._done("approves", number, self.world.approves(key, choice))

    @precondition(lambda self: self.world.consents)
    @rule(which=WHICH)
    def refuses(self, which: int) -> None:
        number, key = self._key(which)
        self._done("refuses", number, self.world.refuses(key))

    @precondition(lambda self: self.world.consents)
    @rule(which=WHICH)
    def redeems(self, which: int) -> None:
        number, key = self._key(which)
        self._done("redeems", number, self.world.redeems(key))

    @precondition(lambda self: self.world.consents)
    @rule(which=WHICH, act=ACTS, part=PARTS)
    def acts(self, which: int, act: str, part: str) -> None:
        number, key = self._key(which)
        done = self.world.acts_on_all(act) if part == "all" else self.world.acts(act, key, part)
        self._done(act, number, part, done)

    @precondition(lambda self: self.world.consents)
    @rule(which=WHICH, action=st.sampled_from(AmendAction), choice=GOOD_CHOICES)
    def amends(self, which: int, action: AmendAction, choice: Choice) -> None:
        number, key = self._key(which)
        self._done("amends", number, action, self.world.amends(key, action, choice))

    @precondition(lambda self: self.world.consents)
    @rule(which=WHICH)
    def the_worker_comes(self, which: int) -> None:
        number, key = self._key(which)
        self._done("worker", number, self.world.records_expiry(key))

    @precondition(lambda self: self.world.consents)
    @rule(
        which=WHICH,
        names=SOME | st.just(frozenset(DATA)),
        wanted=WANTED,
        meanwhile=MEANWHILE,
        act=ACTS,
        part=PARTS,
        seconds=STEPS_S,
        replays=st.sampled_from([False, False, False, True]),
    )
    def reads(
        self, *, which: int, names: frozenset[str], wanted: Wanted, meanwhile: str, replays: bool, **more: Any
    ) -> None:
        number, key = self._key(which)
        happens = {
            "nothing": lambda: None,
            "act": lambda: self.world.acts(more["act"], key, more["part"]),
            "bank fails": self.platform.bank_fails,
            "time passes": lambda: self.world.house.watch.passes(seconds=more["seconds"]),
            "database fails": lambda: self.world.fails("full"),
            "crash": self.world.falls,
        }[meanwhile]
        outcome = self._read(key, names, wanted, happens, replays=replays)
        self._done("reads", number, sorted(names), wanted.category, wanted.account_id, meanwhile, outcome)

    @precondition(lambda self: self.world.consents)
    @rule(which=WHICH, category=st.sampled_from(DATA))
    def reads_simply(self, which: int, category: str) -> None:
        """The honest call that most calls are."""
        number, key = self._key(which)
        wanted, names = Wanted(category), frozenset(DATA)
        self._done("reads", number, category, self._read(key, names, wanted, lambda: None, replays=False))

    @precondition(lambda self: self.world.consents)
    @rule(which=WHICH, category=st.sampled_from(DATA), act=st.sampled_from(["pause", "revoke"]), whole=st.booleans())
    def reads_while_it_is_taken_back(self, which: int, category: str, act: str, *, whole: bool) -> None:
        number, key = self._key(which)
        part = "" if whole else category
        meanwhile = partial(self.world.acts, act, key, part)
        outcome = self._read(key, frozenset(DATA), Wanted(category), meanwhile, replays=False)
        self._done("reads", number, category, act, part, outcome)

    @rule(bank=BANKS, choice=GOOD_CHOICES, seconds=st.sampled_from([599, 600, 601]))
    def shares_and_the_app_comes_late(self, bank: str, choice: Choice, seconds: int) -> None:
        before = len(self.world.consents)
        self.world.proposes(bank)
        if len(self.world.consents) > before:
            _, key = self._key(before)
            approved = self.world.approves(key, choice)
            self.world.house.watch.passes(seconds=seconds)
            self._done("late", seconds, approved, self.world.redeems(key))

    @rule(what=TROUBLE, seconds=STEPS_S, statements=st.integers(0, 25))
    def something_happens(self, what: str, seconds: int, statements: int) -> None:
        """Time passes, the database fails or recovers, the process starts anew or will die in the middle of a step."""
        world = self.world
        if what == "time":
            world.house.watch.passes(seconds=seconds)
        elif what == "recovers":
            world.mends()
        elif what == "restart":
            world.crashes()
        elif what == "dies soon":
            world.crash_in = statements
        else:
            world.fails(what)
        self._done(what, seconds, statements, "")

    @invariant()
    def the_log_the_grants_and_the_model_agree(self) -> None:
        due, self.world.crash_in = self.world.crash_in, None
        self.log.follows(self.world.house, self.world.eye)
        self.world.holds()
        for key, consent in self.world.consents.items():
            assert self.log.grants[key].whole == consent.status, key
            states = {**consent.categories, **consent.accounts}
            assert {part: states[part] for part in self.log.grants[key].parts} == self.log.grants[key].parts
        self.world.crash_in = due

    def teardown(self) -> None:
        self.world.mends()
        self.platform.nothing_of_a_bank_is_stored()
        self.world.close()
        self.open.close()


def run(number: int, examples: int, steps: int) -> list[list[tuple[Any, ...]]]:
    """Run the simulation and return what happened in every run."""
    machine = type("Machine", (Machine,), {"traces": []})
    try:
        run_state_machine_as_test(
            seed(number)(machine),
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                phases=(Phase.generate,),
                verbosity=Verbosity.quiet,
                suppress_health_check=list(HealthCheck),
            ),
        )
    except AssertionError as broken:
        broken.add_note("\n".join(map(str, machine.traces[-1])))  # type: ignore[attr-defined]  # made above
        raise
    traces: list[list[tuple[Any, ...]]] = machine.traces  # type: ignore[attr-defined]  # made above
    return traces


@pytest.mark.timeout(2_400)
def test_every_promise_holds_in_any_order_of_acts_faults_and_crashes(size: Size) -> None:
    run(39, size.of(test=12, campaign=2_000, soak=200_000), size.of(test=50, campaign=50, soak=100))


def test_runs_meet_releases_refusals_acts_and_crashes() -> None:
    """Apart from the promises: a planted fault must not pass for found because a sample was poor."""
    outcomes = {step[-1] for trace in run(8, 12, 50) for step in trace}
    assert outcomes >= {"released", "refused", "crashed", "done"}, outcomes


def test_a_seed_replays_exactly() -> None:
    once, again, other = run(7, 2, 20), run(7, 2, 20), run(8, 2, 20)
    assert once == again != other
