"""Switches: whoever has a stream is told which of its grants they suspend and restore, each once, in order."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from broker.banks.service import Bank, add
from broker.events import outbox
from broker.grants.models import GrantRow
from broker.grants.service import Part
from broker.grants.suspensions import tell_suspended
from broker.switches.service import Hand, Switches
from broker.switches.views import Side, Target
from tests.support.announced import stream, told
from tests.support.core import NOON, House
from tests.support.stores import Store
from tests.support.waiting import until

OPERATOR, BANK = Hand(Side.OPERATOR, "operator"), Hand(Side.BANK, "Bea", "harbor")


class Panel:
    """The switches of a house, with the worker that tells of them."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.switches = Switches(house.sequencer, house.catalogue, house.sealer, house.watch)
        self.tasks: list[outbox.Task] = []
        with house.database.write() as session:
            for name in ("harbor", "meridian"):
                add(session, Bank(name, name, "fdx", "http://b.test", "http://b.test", "broker", "openid"), NOON)

    def off(self, target: Target, hand: Hand = OPERATOR, *, is_told: bool = True) -> None:
        self.switches.turn_off(hand, target, "a test")
        self._works(is_told=is_told)

    def on(self, target: Target, hand: Hand = OPERATOR) -> None:
        self.switches.turn_on(hand, target, "a test")
        self._works(is_told=True)

    def tells_again(self) -> None:
        for task in self.tasks:
            with self.house.database.write() as session:
                tell_suspended(session, task.payload, self.house.watch())

    def _works(self, *, is_told: bool) -> None:
        while is_told:
            with self.house.database.write() as session:
                task = outbox.lease(session, self.house.watch())
                if task is None:
                    return
                if task.kind is outbox.TaskKind.SWITCH_FLIPPED:
                    self.tasks.append(task)
                    tell_suspended(session, task.payload, self.house.watch())
                outbox.finish(session, task)


def changes(house: House, receiver: str = "messenger") -> list[tuple[Any, ...]]:
    return [(one["sequence"], one["change"], one.get("category")) for one in told(house, receiver)]


def test_a_bank_that_switches_off_and_on_suspends_and_restores(house: House) -> None:
    stream(house)
    stream(house, "harbor-client", bank_id="harbor")
    house.approved()
    panel = Panel(house)
    panel.off(Target(bank_id="harbor"), BANK)
    panel.on(Target(bank_id="harbor"), BANK)
    expected = [(1, "approved", None), (2, "suspended", None), (3, "restored", None)]
    assert changes(house) == changes(house, "harbor-client") == expected
    suspended, restored = told(house)[1:]
    panel.off(Target(bank_id="harbor"), BANK)
    assert changes(house)[3:] == [(4, "suspended", None)]
    assert (suspended["initiator"], suspended["reason"]) == ("DATA_PROVIDER", "suspended-by-bank")
    assert (restored["initiator"], restored["reason"]) == ("DATA_PROVIDER", "switched-on")


def test_a_category_is_suspended_by_its_name_where_it_is_shared(house: House) -> None:
    stream(house)
    house.approved(("balances",))
    house.approved(("transactions",))
    panel = Panel(house)
    panel.off(Target(category="balances"))
    assert sorted(change for change in changes(house) if change[0] > 1) == [(2, "suspended", "balances")]
    panel.on(Target(category="balances"))
    assert (3, "restored", "balances") in changes(house)


def test_what_two_switches_stop_is_suspended_once_and_restored_when_both_are_on(house: House) -> None:
    stream(house)
    house.approved()
    panel = Panel(house)
    panel.off(Target(bank_id="harbor"), BANK)
    panel.off(Target(platform_id="messenger"))
    panel.on(Target(bank_id="harbor"), BANK)
    assert changes(house)[1:] == [(2, "suspended", None)]
    panel.on(Target(platform_id="messenger"))
    assert changes(house)[1:] == [(2, "suspended", None), (3, "restored", None)]


def test_telling_twice_tells_nothing_twice(house: House) -> None:
    stream(house)
    house.approved()
    panel = Panel(house)
    panel.off(Target(bank_id="harbor"), BANK)
    panel.tells_again()
    assert changes(house) == [(1, "approved", None), (2, "suspended", None)]


def test_what_was_switched_back_before_anybody_was_told_is_not_mentioned(house: House) -> None:
    stream(house)
    house.approved()
    panel = Panel(house)
    panel.off(Target(), is_told=False)
    panel.on(Target())
    assert changes(house) == [(1, "approved", None)]


def test_of_what_has_ended_meanwhile_nothing_is_restored(house: House) -> None:
    stream(house)
    grant, other = house.approved(), house.approved()
    panel = Panel(house)
    panel.off(Target(category="balances"))
    house.grants.revoke(house.alice, grant, Part())
    house.grants.revoke(house.alice, other, Part(category="balances"))
    panel.on(Target(category="balances"))
    assert [one["change"] for one in told(house) if one["grant_id"] == grant] == ["approved", "suspended", "revoked"]
    assert [one["change"] for one in told(house) if one["grant_id"] == other][2:] == ["category_revoked"]


def test_nobody_is_told_of_another_bank_or_platform(house: House) -> None:
    stream(house)
    house.approved()
    panel = Panel(house)
    panel.off(Target(bank_id="meridian", platform_id="messenger"), Hand(Side.OPERATOR, "operator"))
    assert changes(house) == [(1, "approved", None)]


def test_many_grants_are_told_in_parts(house: House) -> None:
    stream(house)
    grants = [house.approved() for _ in range(3)]
    panel = Panel(house)
    panel.off(Target(bank_id="harbor"), BANK, is_told=False)
    payload = {"side": "bank", "bank_id": "harbor", "platform_id": "", "category": ""}
    with house.database.write() as session:
        assert tell_suspended(session, payload, house.watch(), most=2) == sorted(grants)[1]
    with house.database.write() as session:
        assert tell_suspended(session, {**payload, "after": sorted(grants)[1]}, house.watch(), most=2) is None
    assert [one["change"] for one in told(house)].count("suspended") == 3


_ON_POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
_HARBOR = {"side": "bank", "bank_id": "harbor", "platform_id": "", "category": ""}


def switched_off(house: House, grants: int) -> list[str]:
    """Let a bank switch off sharing, of which nobody is told yet."""
    stream(house)
    approved = sorted(house.approved() for _ in range(grants))
    Panel(house).off(Target(bank_id="harbor"), BANK, is_told=False)
    return approved


def tells(house: House, after: str = "") -> str | None:
    with house.database.write() as session:
        return tell_suspended(session, {**_HARBOR, "after": after}, house.watch())


def suspended(house: House) -> list[str]:
    return [one["grant_id"] for one in told(house) if one["change"] == "suspended"]


@_ON_POSTGRESQL
def test_a_grant_that_somebody_is_changing_keeps_no_other_waiting_and_is_not_forgotten(house: House) -> None:
    one, held, another = switched_off(house, 3)
    with ThreadPoolExecutor(1) as pool, house.database.write() as session:
        session.get_one(GrantRow, held, with_for_update=True)
        assert pool.submit(tells, house).result(20) == one
    assert sorted(suspended(house)) == [one, another]
    assert tells(house, one) is None
    assert sorted(suspended(house)) == [one, held, another]


@_ON_POSTGRESQL
def test_the_first_grant_of_a_part_is_waited_for_so_that_the_parts_come_to_an_end(house: House, store: Store) -> None:
    held, another = switched_off(house, 2)
    waits = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    free = f"SELECT id FROM grants WHERE id = '{another}' FOR UPDATE NOWAIT"  # noqa: S608 - an id of our own
    with ThreadPoolExecutor(1) as pool:
        with house.database.write() as session:
            session.get_one(GrantRow, held, with_for_update=True)
            telling = pool.submit(tells, house)
            until(lambda: store.rows(waits))
            assert store.rows(free) == [(another,)]  # who waits holds nothing that another could wait for
        assert telling.result(20) is None
    assert sorted(suspended(house)) == [held, another]
