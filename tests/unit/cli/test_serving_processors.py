"""Which processor a worker keeps to."""

import pytest

from broker.cli.serving.processors import chosen

BOTH = (0, 1)


@pytest.mark.parametrize(
    ("taken", "free"), [((), 0), ((0,), 1), ((1,), 0), ((0, 1), 0), ((0, 1, 0), 1), ((None, 1), 0), ((0, 0), 1)]
)
def test_a_worker_gets_the_processor_that_the_fewest_have(taken: tuple[int | None, ...], free: int) -> None:
    assert chosen("auto", 4, BOTH, taken) == free


@pytest.mark.parametrize("workers", [2, 3, 64])
def test_by_itself_it_is_done_where_every_processor_gets_a_worker(workers: int) -> None:
    assert chosen("auto", workers, BOTH, ()) == 0


def test_who_has_more_processors_than_workers_must_say_so() -> None:
    assert chosen("auto", 1, BOTH, ()) is None
    assert chosen("yes", 1, BOTH, ()) == 0


def test_it_can_be_turned_off() -> None:
    assert chosen("no", 2, BOTH, ()) is None


@pytest.mark.parametrize("pinning", ["auto", "yes"])
def test_a_system_that_does_not_tell_its_processors_is_let_be(pinning: str) -> None:
    assert chosen(pinning, 2, (), ()) is None
