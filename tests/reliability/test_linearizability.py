"""The checker that row 1 believes: it accepts every order that is possible, and no other."""

import pytest

from tests.support.grant_model import contradiction
from tests.support.linearizability import NEVER, Operation

NAMES = ("balances", "accounts")


def call(kind: str, part: str | None, span: tuple[int, int], outcome: str | None) -> Operation:
    return Operation(kind, part, *span, outcome)


REVOKED = call("revoke", None, (10, 20), "done")


@pytest.mark.parametrize("span", [(0, 5), (5, 15), (12, 18), (15, 30), (5, 30), (20, 30)])
def test_a_release_that_overlaps_a_revoke_may_have_come_before_it(span: tuple[int, int]) -> None:
    assert contradiction([REVOKED, call("read", "balances", span, "released")], NAMES) is None


def test_a_release_that_was_called_after_the_revoke_had_returned_is_wrong() -> None:
    late = call("read", "balances", (21, 30), "released")
    assert contradiction([REVOKED, late], NAMES) == late


def test_a_refusal_before_the_revoke_was_called_is_wrong() -> None:
    assert contradiction([REVOKED, call("read", "balances", (0, 9), "grant-revoked")], NAMES) is not None


def test_two_reads_that_disagree_need_an_instant_between_them() -> None:
    refused = call("read", "balances", (11, 12), "grant-revoked")
    assert contradiction([REVOKED, refused, call("read", "balances", (11, 14), "released")], NAMES) is None
    assert contradiction([REVOKED, refused, call("read", "balances", (13, 14), "released")], NAMES) is not None


def test_a_paused_category_is_not_released_until_it_is_resumed() -> None:
    acts = [call("pause", "balances", (0, 1), "done"), call("resume", "balances", (10, 11), "done")]
    others = call("read", "accounts", (2, 3), "released")
    assert contradiction([*acts, others, call("read", "balances", (5, 6), "category-paused")], NAMES) is None
    assert contradiction([*acts, others, call("read", "balances", (5, 6), "released")], NAMES) is not None


def test_ending_the_last_category_ends_the_grant() -> None:
    acts = [call("revoke", name, (at, at + 1), "done") for at, name in enumerate(NAMES)]
    assert contradiction([*acts, call("refresh", None, (5, 6), "grant-revoked")], NAMES) is None
    assert contradiction([*acts, call("refresh", None, (5, 6), "given")], NAMES) is not None


def test_an_act_without_an_answer_may_or_may_not_have_happened_at_any_later_time() -> None:
    unknown = call("revoke", None, (0, NEVER), None)
    early, late = call("read", "balances", (1, 2), "released"), call("read", "balances", (8, 9), "grant-revoked")
    assert contradiction([unknown, early, late], NAMES) is None
    assert contradiction([unknown, call("read", "balances", (1, 2), "grant-revoked")], NAMES) is None
    back = call("read", "balances", (20, 21), "released")
    assert contradiction([unknown, late, back], NAMES) is not None


def test_long_histories_with_many_overlaps_are_checked_quickly() -> None:
    reads = [call("read", "balances", (at, at + 7), "released") for at in range(20_000)]
    assert contradiction(reads, NAMES) is None
    assert contradiction([*reads, call("read", "balances", (19_990, 20_010), "grant-paused")], NAMES) is not None
