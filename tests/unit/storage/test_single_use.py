"""Single use is atomic under any number of threads and processes (invariant 6)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from broker.storage.single_use import Claim, claim, forget_expired
from tests.support.core import NOON, House
from tests.support.race import race

WISH = Claim("dpop", "value", NOON + timedelta(minutes=2))


def take(house: House, wish: Claim = WISH) -> bool:
    with house.database.write() as session:
        return claim(session, wish)


def test_exactly_one_wins_among_three_processes_with_ten_threads_each(house: House) -> None:
    won = race("claim", house.store.url, processes=3, count=12, threads=10)
    assert sum(won) == 12


def test_exactly_one_of_ten_threads_wins(house: House) -> None:
    start = Barrier(10)

    def attempt(_: int) -> bool:
        start.wait()
        return take(house)

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(attempt, range(10))) == 1


def test_a_value_is_used_once_in_its_namespace_and_free_in_another(house: House) -> None:
    assert take(house)
    assert not take(house)
    assert take(house, Claim("assertion", "value", WISH.expires_at))


def test_a_claim_that_is_rolled_back_is_free_again(house: House) -> None:
    with pytest.raises(ZeroDivisionError), house.database.write() as session:  # noqa: PT012 - the block is what must be undone
        assert claim(session, WISH)
        raise ZeroDivisionError
    assert take(house)


def test_a_later_expiry_does_not_make_a_used_value_free(house: House) -> None:
    assert take(house)
    assert not take(house, Claim("dpop", "value", NOON + timedelta(days=1)))


def test_values_are_remembered_until_no_step_of_the_clock_could_make_them_fresh_again(house: House) -> None:
    assert take(house)
    forgotten_at = WISH.expires_at + timedelta(minutes=10)
    for now, is_free in ((forgotten_at, False), (forgotten_at + timedelta(microseconds=1), True)):
        with house.database.write() as session:
            forget_expired(session, now)
        assert take(house) is is_free


def test_the_value_itself_is_not_stored(house: House) -> None:
    assert take(house, Claim("dpop", "jti-canary", WISH.expires_at))
    assert b"jti-canary" not in house.stored_bytes()


@pytest.mark.parametrize("value", ["", "\udcff", "x" * 100_000, "\x00", "é"])
def test_any_text_can_be_claimed(house: House, value: str) -> None:
    assert take(house, Claim("dpop", value, WISH.expires_at))
    assert not take(house, Claim("dpop", value, WISH.expires_at))
