"""A small world of `make sim`: no honest platform is held, and every impatient shape is stopped."""

from dataclasses import replace

from broker.policy.harvest import Counter
from tests.simulation.__main__ import verdict
from tests.simulation.attacks import SHAPES, Outcome, Shape
from tests.simulation.honest import Honest, honest_days
from tests.simulation.population import CHAT, NIGHTLY
from tests.simulation.runs import harvests
from tests.support.core import policies

IMPATIENT = tuple(
    shape for shape in SHAPES if shape.stays_below is None and shape.clients == 1 and not shape.name.startswith("slow")
)


def test_no_honest_platform_is_held_in_simulated_weeks() -> None:
    for kind, people in ((CHAT, 1_500), (NIGHTLY, 60)):
        seen = honest_days(kind, people, 35, policies().harvest, seed=3)
        assert seen.false_holds == ()
        assert seen.reads > people
        assert max(seen.fullest.values()) > 0.2


def test_every_impatient_shape_is_stopped_before_a_thousand_reads() -> None:
    assert len(SHAPES) >= 8
    outcomes = list(harvests(2_000, policies().harvest, seed=6, shapes=IMPATIENT, days=3))
    unstopped = {one.shape.name for one in outcomes if one.stopped_by is None}
    assert unstopped <= {"stolen tokens"}  # of so few people they are 60
    assert [one.shape.name for one in outcomes if one.reads >= 1_000] == []
    assert {(one.stopped_by or "").partition("-")[0] for one in outcomes} >= {
        Counter.AFTER_A_MONTH.value,
        Counter.AFTER_A_SEASON.value,
        Counter.FURTHER_BACK.value,
    }
    contacts = next(one for one in outcomes if one.shape.name == "contacts")
    assert contacts.strangers > 1_000
    assert contacts.released_per_agreed == 1.0


def test_only_a_shape_that_is_declared_to_stay_below_may_miss_its_goal() -> None:
    patient = next(shape for shape in SHAPES if shape.stays_below is not None)
    year = Honest(CHAT, 100, 365, 1_000, (), {}, 1.0)

    def came_far(shape: Shape) -> Outcome:
        return Outcome(shape, 5_000, 5_000, 1_440, None, 100_000, 0, 1.0)

    assert verdict([year], [came_far(patient)]) == 0
    assert verdict([year], [came_far(IMPATIENT[0])]) == 1
    assert verdict([replace(year, false_holds=("day 60",))], []) == 1
    assert verdict([replace(year, released_per_agreed=1.01)], []) == 1
