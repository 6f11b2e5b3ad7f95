"""When the circuit breaker lets calls through, with the time told by the test."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from broker.errors import BankTimeout, BankUnavailable
from broker.outbound.breaker import FAILURES_TO_OPEN, OPEN_FOR_S, Breaker, Breakers, NotCounted, Slots


class Watch:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def fail(breaker: Breaker) -> None:
    with pytest.raises(BankTimeout), breaker.guarding():
        raise BankTimeout


def succeed(breaker: Breaker) -> None:
    with breaker.guarding():
        pass


def is_open(breaker: Breaker) -> bool:
    try:
        succeed(breaker)
    except BankUnavailable:
        return True
    return False


def opened(watch: Watch) -> Breaker:
    breaker = Breaker(watch, Slots(9, 9))
    for _ in range(FAILURES_TO_OPEN):
        fail(breaker)
    return breaker


def test_it_opens_after_five_failures_in_a_row() -> None:
    breaker = Breaker(Watch(), Slots(9, 9))
    for _ in range(FAILURES_TO_OPEN - 1):
        fail(breaker)
    succeed(breaker)
    for _ in range(FAILURES_TO_OPEN):
        fail(breaker)
    assert is_open(breaker)


def test_it_stays_open_for_its_pause_and_closes_when_the_probe_succeeds() -> None:
    watch = Watch()
    breaker = opened(watch)
    watch.now += OPEN_FOR_S - 0.01
    assert is_open(breaker)
    watch.now += 0.01
    succeed(breaker)
    fail(breaker)
    assert not is_open(breaker)


def test_a_failed_probe_opens_it_for_another_pause() -> None:
    watch = Watch()
    breaker = opened(watch)
    watch.now += OPEN_FOR_S
    fail(breaker)
    watch.now += OPEN_FOR_S - 0.01
    assert is_open(breaker)


def test_half_open_lets_one_call_through_at_a_time() -> None:
    watch = Watch()
    breaker = opened(watch)
    watch.now += OPEN_FOR_S
    with breaker.guarding():
        assert is_open(breaker)
    assert not is_open(breaker)


def test_of_many_threads_one_gets_to_probe() -> None:
    watch = Watch()
    breaker = opened(watch)
    watch.now += OPEN_FOR_S
    together, may_end, refused = threading.Barrier(8), threading.Event(), threading.Semaphore(0)
    entered: list[int] = []

    def call(number: int) -> None:
        together.wait(5)
        try:
            with breaker.guarding():
                entered.append(number)
                may_end.wait(5)
        except BankUnavailable:
            refused.release()

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(7):
        assert refused.acquire(timeout=5)
    may_end.set()
    for thread in threads:
        thread.join(5)
    assert len(entered) == 1


def test_one_banks_trouble_leaves_the_others_alone() -> None:
    breakers = Breakers(Watch(), Slots(9, 9))
    for _ in range(FAILURES_TO_OPEN):
        fail(breakers.named("harbor"))
    assert is_open(breakers.named("harbor"))
    assert not is_open(breakers.named("meridian"))


def refuse(breaker: Breaker) -> None:
    with pytest.raises(BankUnavailable, match="ours"), breaker.guarding():
        raise NotCounted(BankUnavailable("ours"))


def test_our_own_refusals_neither_open_nor_heal_it() -> None:
    breaker = Breaker(Watch(), Slots(9, 9))
    for _ in range(FAILURES_TO_OPEN - 1):
        fail(breaker)
        refuse(breaker)
    assert not is_open(breaker)
    for _ in range(FAILURES_TO_OPEN - 1):
        fail(breaker)
    refuse(breaker)
    fail(breaker)
    assert is_open(breaker)


def test_a_probe_that_we_refused_ourselves_leaves_the_next_call_to_probe() -> None:
    watch = Watch()
    breaker = opened(watch)
    watch.now += OPEN_FOR_S
    refuse(breaker)
    with breaker.guarding():
        assert is_open(breaker)
    assert not is_open(breaker)


def test_two_slow_banks_together_do_not_hold_every_thread() -> None:
    breakers = Breakers(Watch(), Slots(2, 3))
    harbor, meridian = breakers.named("harbor"), breakers.named("meridian")
    with harbor.guarding(), harbor.guarding(), meridian.guarding(), pytest.raises(BankUnavailable, match="slow"):
        succeed(meridian)
    succeed(meridian)


def test_a_burst_waits_for_a_bank_that_answers_even_where_banks_hold_all_their_threads() -> None:
    slots = Slots(1, 1)
    breaker = Breaker(Watch(), slots)
    with ThreadPoolExecutor(3) as pool:
        with breaker.guarding():
            burst = [pool.submit(succeed, breaker) for _ in range(3)]
            while slots.waiting < len(burst):
                assert not any(one.done() for one in burst)
        for one in burst:
            one.result(5)


def test_a_bank_that_has_not_answered_for_a_while_is_no_quick_one_until_it_answers() -> None:
    watch, told = Watch(), list[bool]()

    class Listening(Slots):
        def await_room(self, has_room: Callable[[], bool], *, is_quick: bool) -> bool:
            told.append(is_quick)
            return super().await_room(has_room, is_quick=is_quick)

    breaker = Breaker(watch, Listening(2, 2))
    with breaker.guarding():
        watch.now += 0.05
        with breaker.guarding():
            watch.now += 0.06
            assert is_open(breaker)
    with breaker.guarding():
        succeed(breaker)
    assert told == [False, True, False, False, True]


def test_a_call_waits_a_moment_for_one_that_ends() -> None:
    breaker, began = Breaker(Watch(), Slots(1, 2)), threading.Event()

    def waits() -> None:
        began.set()
        succeed(breaker)

    with ThreadPoolExecutor(1) as pool:
        with breaker.guarding():
            waiting = pool.submit(waits)
            assert began.wait(5)
        waiting.result(5)


def test_who_waits_for_a_slow_bank_holds_no_thread_that_is_kept_for_pages() -> None:
    slots, asked = Slots(1, 2), list[bool]()
    breaker = Breaker(Watch(), slots)

    def there_is_none() -> bool:
        asked.append(True)
        return False

    with ThreadPoolExecutor(1) as pool, breaker.guarding():
        waiting = pool.submit(is_open, breaker)
        while not slots.waiting:
            assert not waiting.done()
        # One call is under way and one waits: banks may hold no more, so the third is refused without waiting.
        with slots.changed:
            assert not slots.await_room(there_is_none, is_quick=False)
        assert waiting.result(5)
    assert asked == [True]


def test_what_a_call_met_that_began_before_the_rest_neither_heals_nor_prolongs_it() -> None:
    watch = Watch()
    breaker = Breaker(watch, Slots(9, 9))
    with breaker.guarding():
        for _ in range(FAILURES_TO_OPEN):
            fail(breaker)
        watch.now += OPEN_FOR_S - 0.01
    assert is_open(breaker)


def test_a_call_that_meets_the_very_instant_of_healing_is_let_through() -> None:
    class Healing(Watch):
        breaker: Breaker | None = None

        def __call__(self) -> float:
            if (healed := self.breaker) is not None:
                self.breaker = None
                succeed(healed)  # what another thread does while this one looks at the time
            return super().__call__()

    watch = Healing()
    breaker = opened(watch)
    watch.now += OPEN_FOR_S
    watch.breaker = breaker
    assert not is_open(breaker)


def test_only_so_many_calls_are_under_way_to_one_bank() -> None:
    breaker = Breaker(Watch(), Slots(2, 2))
    with breaker.guarding(), breaker.guarding(), pytest.raises(BankUnavailable, match="slow"), breaker.guarding():
        pass
    with breaker.guarding():
        pass
