"""Row 18, time: how long a refusal takes does not tell an account that is not shared from one that does not exist."""

import time
from random import Random

import pytest

from tests.support.edge import Platform
from tests.support.memory import folder_in_memory
from tests.support.sizes import Size
from tests.support.town import open_town

_MOST_AUC = 0.55
_NAME = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def auc(first: list[float], second: list[float]) -> float:
    """Return the chance that one of `first` is larger than one of `second`; ties count half (Mann and Whitney)."""
    ranked = sorted([(value, 1) for value in first] + [(value, 0) for value in second])
    total, start = 0.0, 0
    while start < len(ranked):
        end = start
        while end < len(ranked) and ranked[end][0] == ranked[start][0]:
            end += 1
        total += (start + end + 1) / 2 * sum(side for _, side in ranked[start:end])
        start = end
    return (total - len(first) * (len(first) + 1) / 2) / (len(first) * len(second))


def seconds(caller: Platform, account_id: str) -> float:
    """Time one refused call; making its proof does not count."""
    path = f"/v1/accounts/{account_id}/transactions"
    proof = caller.proof(path)
    start = time.perf_counter()
    response = caller.get(path, proof=proof)
    taken = time.perf_counter() - start
    assert response.status_code == 403
    return taken


def test_the_measure_tells_what_differs_from_what_is_alike() -> None:
    assert auc([1, 2, 3], [1, 2, 3]) == 0.5
    assert auc([4, 5, 6], [1, 2, 3]) == 1.0
    assert auc([1, 2, 3], [4, 5, 6]) == 0.0
    assert auc([1, 2, 9], [1, 3, 4]) == pytest.approx(4.5 / 9)


@pytest.mark.timeout(1_200)
def test_a_refusal_takes_as_long_for_an_account_of_somebody_as_for_none(size: Size) -> None:
    chance, forbidden, absent = Random(18), [], []
    with folder_in_memory() as folder, open_town(folder) as town:
        share = next(share for share in town.shares if share.fate == "live" and "transactions" in share.terms)
        others = [account_id for account_id in town.ids if account_id not in share.accounts]
        caller = town.caller(share, town.categories)
        for _ in range(size.of(test=10, campaign=10_000)):
            pair = [(forbidden, chance.choice(others)), (absent, "".join(chance.choices(_NAME, k=22)))]
            for times, account_id in chance.sample(pair, 2):
                times.append(seconds(caller, account_id))
    if size.name != "test":  # a few pairs on a busy machine measure nothing
        assert 1 - _MOST_AUC <= auc(forbidden, absent) <= _MOST_AUC
