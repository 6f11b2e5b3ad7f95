"""A small world of `make sim`: no honest platform is held, and every impatient shape is stopped."""

from broker.policy.harvest import Counter
from tests.simulation.__main__ import PATIENT, harvests
from tests.simulation.attacks import SHAPES
from tests.simulation.honest import honest_days
from tests.simulation.population import CHAT, NIGHTLY
from tests.support.core import policies

IMPATIENT = tuple(shape for shape in SHAPES if shape.name not in PATIENT and shape.clients == 1)


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
        Counter.FURTHER_BACK.value,
    }
