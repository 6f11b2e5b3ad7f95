"""What a grant is at an instant: expiry is decided on read, the worker only writes it down."""

import pytest

from broker.grants.expiry import record_expiry
from broker.grants.reader import has_live_grant
from broker.grants.service import Part
from broker.policy.vocabulary import GrantStatus
from tests.support.core import House


def test_expiry_is_decided_on_read(house: House) -> None:
    grant_id = house.approved()
    house.watch.passes(days=89, hours=23, minutes=59, seconds=59)
    assert house.grant(grant_id).status is GrantStatus.ACTIVE
    assert house.grant(grant_id).live_categories
    house.watch.passes(seconds=1)
    grant = house.grant(grant_id)
    assert (grant.status, grant.status_code, grant.live_categories) == (GrantStatus.EXPIRED, "ended", ())


def test_a_paused_grant_expires_all_the_same(house: House) -> None:
    grant_id = house.approved()
    house.grants.pause(house.alice, grant_id, Part())
    house.watch.passes(days=90)
    assert house.grant(grant_id).status is GrantStatus.EXPIRED


@pytest.mark.fapi(88)
def test_a_grant_whose_code_is_never_redeemed_ends_after_ten_minutes(house: House) -> None:
    claimed, unclaimed = house.approved(), house.approved(is_claimed=False)
    house.watch.passes(minutes=9, seconds=59)
    assert house.grant(unclaimed).status is GrantStatus.ACTIVE
    house.watch.passes(seconds=1)
    assert (house.grant(unclaimed).status, house.grant(unclaimed).status_code) == (GrantStatus.EXPIRED, "unclaimed")
    assert house.grant(claimed).status is GrantStatus.ACTIVE


def test_a_clock_that_steps_back_does_not_revive_a_recorded_expiry(house: House) -> None:
    grant_id = house.approved()
    house.watch.passes(days=90)
    record_expiry(house.sequencer, house.watch, grant_id)
    house.watch.passes(days=-90)
    assert house.grant(grant_id).status is GrantStatus.EXPIRED


def test_what_is_overdue_is_listed_until_it_is_recorded_once(house: House) -> None:
    expired, unclaimed, proposal = house.approved(), house.approved(is_claimed=False), house.proposed()
    reasons = {}
    for span, due in ({"minutes": 10}, {unclaimed, proposal}), ({"days": 90}, {expired}):
        house.watch.passes(**span)
        assert set(_overdue(house)) == due
        for grant_id in [*due, *due]:
            record_expiry(house.sequencer, house.watch, grant_id)
        reasons.update({entry.grant_id: entry.reasons for entry in house.log() if entry.event == "grant.expired"})
    assert reasons == {expired: ("ended",), unclaimed: ("unclaimed",), proposal: ("unapproved",)}
    assert house.events().count("grant.expired") == 3
    assert _overdue(house) == []


def test_a_live_grant_is_not_recorded_as_expired(house: House) -> None:
    grant_id = house.approved()
    record_expiry(house.sequencer, house.watch, grant_id)
    assert house.grant(grant_id).status is GrantStatus.ACTIVE
    assert "grant.expired" not in house.events()


def test_a_person_sees_their_own_grants_only_newest_first(house: House) -> None:
    older = house.approved()
    house.watch.passes(seconds=1)
    newer = house.proposed()
    with house.database.read() as session:
        mine = house.reader.of_user(session, house.alice.user_id, house.watch())
        nobodys = house.reader.of_user(session, "someone-else", house.watch())
        of_key = house.reader.of_consent_key(session, mine[0].consent_key, house.watch())
        unknown = house.reader.find(session, "no-such", house.watch())
    assert [grant.id for grant in mine] == [newer, older]
    assert nobodys == []
    assert [grant.id for grant in of_key] == [newer]
    assert unknown is None


@pytest.mark.parametrize("name", ["accounts", "balances"])
def test_only_what_is_live_counts_as_live(house: House, name: str) -> None:
    grant_id = house.approved()
    house.grants.pause(house.alice, grant_id, Part(category=name))
    house.grants.revoke(house.alice, grant_id, Part(account_id="acc-1"))
    grant = house.grant(grant_id)
    assert name not in grant.live_categories
    assert [account.account_id for account in grant.live_accounts] == ["acc-2"]
    assert grant.category("no_such") is None
    house.grants.pause(house.alice, grant_id, Part(account_id="acc-2"))
    assert house.grant(grant_id).live_categories == ()


def test_a_person_has_a_live_grant_until_the_last_one_ends(house: House) -> None:
    def is_live() -> bool:
        with house.database.read() as session:
            return has_live_grant(session, house.alice.user_id, "harbor", house.watch())

    assert not is_live()
    grant_id = house.approved()
    assert is_live()
    house.grants.revoke(house.alice, grant_id, Part())
    assert not is_live()
    house.proposed()
    assert is_live()
    house.watch.passes(minutes=10)
    assert not is_live()


def _overdue(house: House) -> list[str]:
    with house.database.read() as session:
        return house.reader.overdue(session, house.watch())
