"""A release is counted only when the grant still is as it was judged (invariant 3), even if a fence were lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from broker.audit.vocabulary import Entry, Event, Initiator
from broker.grants.service import Part
from broker.grants.uses import Use
from tests.support.core import NOON, House

CHANGED = Use("g", "balances", NOON, NOON).loss
RELEASED = Entry(Event.ACCESS_RELEASED, Initiator.DATA_RECIPIENT, "harbor", category="balances", records=1)


def use_of(house: House, grant_id: str, category: str = "balances") -> Use:
    house.watch.passes(seconds=1)
    return Use(grant_id, category, house.grant(grant_id).updated_at, house.watch())


def counts(house: House, grant_id: str) -> tuple[int, list[int]]:
    grant = house.grant(grant_id)
    return grant.use_count, [category.use_count for category in grant.categories]


def test_a_use_is_counted_on_the_grant_and_on_its_category(house: House) -> None:
    grant_id, other = house.approved(["balances", "transactions"]), house.approved(["balances"])
    use = use_of(house, grant_id)
    assert house.sequencer.append(RELEASED, [use]).lost is None
    assert house.sequencer.append(RELEASED, [use]).lost is None
    assert (counts(house, grant_id), counts(house, other)) == ((2, [2, 0]), (0, [0]))
    grant = house.grant(grant_id)
    assert (grant.last_use_at, grant.categories[0].last_use_at, grant.categories[1].last_use_at) == (
        use.at,
        use.at,
        None,
    )


def test_uses_by_many_threads_are_all_counted(house: House) -> None:
    grant_id = house.approved(["balances"])
    use = use_of(house, grant_id)
    with ThreadPoolExecutor(8) as pool:
        places = list(pool.map(lambda _: house.sequencer.append(RELEASED, [use]), range(24)))
    assert {place.lost for place in places} == {None}
    assert counts(house, grant_id) == (24, [24])


Change = Callable[[House, str], object]
CHANGES: dict[str, Change] = {
    "revoked": lambda house, grant_id: house.grants.revoke(house.alice, grant_id, Part()),
    "paused": lambda house, grant_id: house.grants.pause(house.alice, grant_id, Part()),
    "category revoked": lambda house, grant_id: house.grants.revoke(house.alice, grant_id, Part(category="balances")),
    "category paused": lambda house, grant_id: house.grants.pause(house.alice, grant_id, Part(category="balances")),
    "another category revoked": lambda house, grant_id: house.grants.revoke(
        house.alice, grant_id, Part(category="transactions")
    ),
    "account revoked": lambda house, grant_id: house.grants.revoke(house.alice, grant_id, Part(account_id="acc-2")),
    "paused and resumed": lambda house, grant_id: (
        house.grants.pause(house.alice, grant_id, Part()),
        house.grants.resume(house.alice, grant_id, Part()),
    ),
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_a_grant_that_changed_since_it_was_judged_loses_the_use(house: House, change: str) -> None:
    grant_id = house.approved(["balances", "transactions"])
    use = use_of(house, grant_id)
    house.watch.passes(seconds=1)
    CHANGES[change](house, grant_id)
    assert house.sequencer.append(RELEASED, [use]).lost == CHANGED
    assert counts(house, grant_id) == (0, [0, 0])
    assert (house.log()[-1].event, house.log()[-1].reasons) == (Event.ACCESS_REFUSED, ("grant-changed",))
    assert house.log()[-1].records is None


@pytest.mark.parametrize("what", ["paused", "category paused"])
def test_a_pause_loses_the_use_even_in_the_same_instant(house: House, what: str) -> None:
    grant_id = house.approved(["balances", "transactions"])
    CHANGES[what](house, grant_id)
    use = Use(grant_id, "balances", house.grant(grant_id).updated_at, house.watch())
    assert house.sequencer.append(RELEASED, [use]).lost == CHANGED


def test_a_use_at_the_moment_of_expiry_is_lost(house: House) -> None:
    grant_id = house.approved(["balances"])
    grant = house.grant(grant_id)
    for at, lost in ((grant.expires_at - timedelta(microseconds=1), None), (grant.expires_at, CHANGED)):
        assert house.sequencer.append(RELEASED, [Use(grant_id, "balances", grant.updated_at, at)]).lost == lost
    assert counts(house, grant_id)[0] == 1


@pytest.mark.parametrize("strange", ["no such grant", "no such category"])
def test_what_was_never_granted_is_never_counted(house: House, strange: str) -> None:
    grant_id = house.approved(["balances"])
    use = use_of(house, grant_id)
    use = Use("none", "balances", use.seen_at, use.at) if "grant" in strange else use_of(house, grant_id, "accounts")
    assert house.sequencer.append(RELEASED, [use]).lost == CHANGED
    assert counts(house, grant_id) == (0, [0])
