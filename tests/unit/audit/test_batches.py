"""Group commit: waiting threads share a commit, and what fails for one of them fails for nobody else."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

import pytest

from broker.audit.batches import Batches
from broker.errors import InvalidRequest, LogUnavailable
from tests.support.waiting import until

SLOW = -1


class Commits:
    """Remembers each batch. The order SLOW waits for a sign; a text is an order that cannot be stored.

    `lock` is what it waits for before it takes the orders, `has_lock` says whether it gets it.
    """

    def __init__(self) -> None:
        self.batches: list[list[int | str]] = []
        self.goes_on = Event()
        self.error: BaseException | None = None
        self.lock = Event()
        self.lock.set()
        self.has_lock = True

    def __call__(self, gather: Callable[[], list[int | str]]) -> list[int | str | None]:
        assert self.lock.wait(20)
        if not self.has_lock:
            raise LogUnavailable("The lock was not to be had.")
        orders = gather()
        self.batches.append([*orders])
        if SLOW in orders:
            assert self.goes_on.wait(20)
        if self.error is not None:
            raise self.error
        if any(isinstance(order, str) for order in orders):
            raise InvalidRequest("This one cannot be stored.")
        return [None if order == 0 else order for order in orders]


@pytest.fixture
def commits() -> Commits:
    return Commits()


@pytest.fixture
def batches(commits: Commits) -> Batches[int | str, int | str | None]:
    return Batches(commits, longest_queue=400)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(310) as threads:
        yield threads


def queued(
    batches: Batches[int | str, int | str | None],
    commits: Commits,
    pool: ThreadPoolExecutor,
    orders: Sequence[int | str],
) -> list[Future[int | str | None]]:
    """Let one thread commit slowly and the others wait behind it, in this order."""
    turns = [pool.submit(batches.submit, SLOW)]
    until(lambda: commits.batches)
    for number, order in enumerate(orders, start=1):
        turns.append(pool.submit(batches.submit, order))
        until(lambda: len(batches._waiting) == number)  # noqa: B023 - asked before the next turn
    return turns


def queued_before_the_lock(
    batches: Batches[int | str, int | str | None], commits: Commits, pool: ThreadPoolExecutor
) -> list[Future[int | str | None]]:
    """Let one thread wait for the lock and two more come behind it."""
    commits.lock.clear()
    turns = []
    for order in (1, 2, 3):
        turns.append(pool.submit(batches.submit, order))
        until(lambda: len(batches._waiting) == order)  # noqa: B023 - asked before the next turn
    return turns


def test_threads_that_wait_share_a_commit_in_the_order_of_their_arrival(
    batches: Batches[int | str, int | str | None], commits: Commits, pool: ThreadPoolExecutor
) -> None:
    orders = list(range(1, 21))
    turns = queued(batches, commits, pool, orders)
    commits.goes_on.set()
    assert [turn.result() for turn in turns] == [SLOW, *orders]
    assert commits.batches == [[SLOW], orders]


def test_who_comes_while_the_lock_is_waited_for_is_of_the_same_batch(
    batches: Batches[int | str, int | str | None], commits: Commits, pool: ThreadPoolExecutor
) -> None:
    turns = queued_before_the_lock(batches, commits, pool)
    commits.lock.set()
    assert [turn.result() for turn in turns] == [1, 2, 3]
    assert commits.batches == [[1, 2, 3]]


def test_when_the_lock_is_not_to_be_had_all_who_wait_for_it_are_told_and_the_next_order_works(
    batches: Batches[int | str, int | str | None], commits: Commits, pool: ThreadPoolExecutor
) -> None:
    turns = queued_before_the_lock(batches, commits, pool)
    commits.has_lock = False
    commits.lock.set()
    assert [str(turn.exception(20)) for turn in turns] == ["log-unavailable: The lock was not to be had."] * 3
    commits.has_lock = True
    assert batches.submit(4) == 4
    assert commits.batches == [[4]]


def test_a_batch_has_at_most_256_orders_and_the_rest_follows(
    batches: Batches[int | str, int | str | None], commits: Commits, pool: ThreadPoolExecutor
) -> None:
    turns = queued(batches, commits, pool, range(1, 301))
    commits.goes_on.set()
    assert [turn.result() for turn in turns] == [SLOW, *range(1, 301)]
    assert [len(batch) for batch in commits.batches] == [1, 256, 44]


def test_an_order_that_cannot_be_stored_fails_alone(
    batches: Batches[int | str, int | str | None], commits: Commits, pool: ThreadPoolExecutor
) -> None:
    turns = queued(batches, commits, pool, [1, "poison", 2])
    commits.goes_on.set()
    assert [turns[number].result() for number in (0, 1, 3)] == [SLOW, 1, 2]
    with pytest.raises(InvalidRequest, match="This one cannot be stored"):
        turns[2].result()
    assert commits.batches == [[SLOW], [1, "poison", 2], [1], ["poison"], [2]]


def test_a_commit_that_fails_is_told_to_each_with_an_error_of_its_own(
    batches: Batches[int | str, int | str | None], commits: Commits, pool: ThreadPoolExecutor
) -> None:
    turns = queued(batches, commits, pool, [1, 2])
    commits.error = LogUnavailable()
    commits.goes_on.set()
    errors = [turn.exception() for turn in turns]
    assert [type(error) for error in errors] == [LogUnavailable] * 3
    assert len({id(error) for error in errors}) == 3
    commits.error = None
    assert batches.submit(3) == 3


@pytest.mark.parametrize("error", [ZeroDivisionError(), SystemExit()], ids=["fault", "end of the thread"])
def test_what_nobody_foresaw_fails_all_and_the_next_order_works(
    batches: Batches[int | str, int | str | None], commits: Commits, pool: ThreadPoolExecutor, error: BaseException
) -> None:
    turns = queued(batches, commits, pool, [1, 2])
    commits.error = error
    commits.goes_on.set()
    told = [type(turn.exception()) for turn in turns]
    assert told == [type(error), type(error), LogUnavailable]
    commits.error = None
    assert batches.submit(3) == 3


def test_a_queue_that_is_too_long_refuses_the_next_order_and_loses_none(
    commits: Commits, pool: ThreadPoolExecutor
) -> None:
    short: Batches[int | str, int | str | None] = Batches(commits, longest_queue=2)
    turns = queued(short, commits, pool, [1, 2])
    with pytest.raises(LogUnavailable):
        short.submit(3)
    commits.goes_on.set()
    assert [turn.result() for turn in turns] == [SLOW, 1, 2]


def test_an_order_without_a_result_counts_as_failed(batches: Batches[int | str, int | str | None]) -> None:
    with pytest.raises(LogUnavailable):
        batches.submit(0)


def test_a_commit_that_forgets_an_order_fails_all_and_leaves_nobody_waiting(pool: ThreadPoolExecutor) -> None:
    forgetful: Batches[int, int] = Batches(lambda gather: gather()[1:])
    turns = [pool.submit(forgetful.submit, number) for number in range(3)]
    assert {type(turn.exception(20)) for turn in turns} == {LogUnavailable}
