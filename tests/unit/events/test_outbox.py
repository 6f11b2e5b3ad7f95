"""The outbox: a task is done by one worker at a time, until it is done."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from broker.events import outbox
from tests.support.core import House

KIND = outbox.TaskKind.BANK_END


def put(house: House, number: int = 1) -> None:
    with house.database.write() as session:
        outbox.put(session, KIND, {"user_id": str(number), "bank_id": "harbor"}, house.watch())


def lease(house: House) -> outbox.Task | None:
    with house.database.write() as session:
        return outbox.lease(session, house.watch())


def leased(house: House) -> outbox.Task:
    task = lease(house)
    assert task is not None
    return task


def test_a_task_is_handed_to_one_worker_at_a_time(house: House) -> None:
    put(house)
    task = leased(house)
    assert (task.kind, task.payload["user_id"], task.attempts, task.created_at) == (KIND, "1", 1, house.watch())
    assert lease(house) is None


def test_many_workers_share_the_tasks_without_doubles(house: House) -> None:
    for number in range(6):
        put(house, number)
    with ThreadPoolExecutor(8) as pool:
        found = [task.payload["user_id"] for task in pool.map(lambda _: lease(house), range(12)) if task]
    assert sorted(found) == [str(number) for number in range(6)]


def test_a_worker_that_died_leaves_its_task_to_another_after_a_minute(house: House) -> None:
    put(house)
    first = leased(house)
    house.watch.passes(seconds=59)
    assert lease(house) is None
    house.watch.passes(seconds=1)
    second = leased(house)
    assert (second.id, second.attempts) == (first.id, 2)


def test_a_finished_task_is_never_due_again(house: House) -> None:
    put(house)
    task = leased(house)
    with house.database.write() as session:
        outbox.finish(session, task)
    house.watch.passes(days=365)
    assert lease(house) is None


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 10), (2, 20), (3, 40), (9, 2_560), (10, 3_600), (10_000, 3_600)])
def test_a_task_that_failed_is_tried_again_ever_later_up_to_an_hour(house: House, attempts: int, seconds: int) -> None:
    put(house)
    house.runs(f"UPDATE outbox SET attempts = {attempts - 1}")  # noqa: S608 - a number of this test
    task = leased(house)
    with house.database.write() as session:
        outbox.put_off(session, task, house.watch())
    house.watch.now += timedelta(seconds=seconds - 1)
    assert lease(house) is None
    house.watch.passes(seconds=1)
    assert leased(house).attempts == attempts + 1


def test_what_has_been_due_longest_comes_first(house: House) -> None:
    for number in (1, 2):
        put(house, number)
        house.watch.passes(seconds=1)
    assert [leased(house).payload["user_id"], leased(house).payload["user_id"]] == ["1", "2"]


def test_a_task_that_is_not_due_waits(house: House) -> None:
    put(house)
    house.watch.passes(seconds=-1)
    assert lease(house) is None
