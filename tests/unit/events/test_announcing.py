"""Announcing: what happens to a grant is on its way to whom it concerns as soon as it has happened, and not before."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from broker.audit.vocabulary import Entry, Event, Initiator
from broker.errors import LogUnavailable
from broker.events.announcing import announce
from broker.events.deliveries import standing_of
from broker.events.delivery_models import EventDeliveryRow
from broker.events.outcomes import acknowledge
from broker.events.vocabulary import EventType
from broker.grants.announcing import append_and_announce
from broker.grants.expiry import record_expiry
from broker.grants.service import Part
from tests.support.announced import stream, told
from tests.support.core import House

WHOLE, CATEGORY, ACCOUNT = Part(), Part(category="balances"), Part(account_id="acc-1")


def test_every_change_of_a_grant_is_announced_to_its_platform_in_its_order(house: House) -> None:
    stream(house)
    grant = house.approved()
    house.grants.pause(house.alice, grant, WHOLE)
    house.grants.resume(house.alice, grant, WHOLE)
    house.grants.pause(house.alice, grant, CATEGORY)
    house.grants.revoke(house.alice, grant, CATEGORY)
    house.grants.revoke(house.alice, grant, ACCOUNT)
    house.grants.revoke(house.alice, grant, WHOLE)
    changes = [(one["sequence"], one["change"], one.get("category"), one.get("account_id")) for one in told(house)]
    assert changes == [
        (1, "approved", None, None),
        (2, "paused", None, None),
        (3, "resumed", None, None),
        (4, "category_paused", "balances", None),
        (5, "category_revoked", "balances", None),
        (6, "account_removed", None, "acc-1"),
        (7, "revoked", None, None),
    ]


@pytest.mark.any_database
def test_an_event_says_who_did_it_why_and_when(house: House) -> None:
    stream(house)
    grant = house.approved()
    house.grants.revoke(house.alice, grant, WHOLE)
    assert told(house)[1] == {
        "change": "revoked",
        "grant_id": grant,
        "grant_version": 1,
        "sequence": 2,
        "initiator": "INDIVIDUAL",
        "reason": "user-action",
        "occurred_at": "2026-11-22T12:00:00Z",
    }


@pytest.mark.any_database
def test_expiry_is_announced_and_the_end_of_a_proposal_is_not(house: House) -> None:
    stream(house)
    grant, proposal = house.approved(), house.proposed()
    house.watch.passes(days=91)
    for one in (grant, proposal):
        record_expiry(house.sequencer, house.watch, one)
    assert [one["change"] for one in told(house)] == ["approved", "expired"]


@pytest.mark.any_database
def test_a_refusal_is_nothing_that_a_platform_is_told_of(house: House) -> None:
    stream(house)
    house.consents.refuse(house.alice, house.proposed())
    assert told(house) == []


@pytest.mark.any_database
def test_a_bank_is_told_too_but_not_by_which_name_the_platform_knows_an_account(house: House) -> None:
    stream(house)
    stream(house, "harbor-client", bank_id="harbor")
    stream(house, "other-client", bank_id="other")
    grant = house.approved()
    house.grants.revoke(house.alice, grant, ACCOUNT)
    assert [one["change"] for one in told(house, "harbor-client")] == ["approved", "account_removed"]
    assert "account_id" not in told(house, "harbor-client")[1]
    assert told(house, "other-client") == []


@pytest.mark.any_database
def test_a_client_that_no_longer_acts_for_the_bank_is_told_nothing_more(house: House) -> None:
    stream(house, "harbor-client", bank_id="harbor")
    stream(house, "moved-client", bank_id="harbor")
    stream(house, "gone-client", bank_id="harbor")
    house.runs("UPDATE platforms SET removed_at = created_at WHERE id = 'gone-client'")
    house.runs("UPDATE platforms SET bank_id = 'meridian' WHERE id = 'moved-client'")
    house.approved()
    assert [one["change"] for one in told(house, "harbor-client")] == ["approved"]
    assert told(house, "gone-client") == told(house, "moved-client") == []


def test_nothing_is_announced_of_what_was_rolled_back_and_no_number_is_missing(house: House) -> None:
    stream(house)
    grant = house.approved()
    with suppress(ZeroDivisionError), house.database.write() as session:
        _announce(session, grant, house)
        raise ZeroDivisionError
    house.grants.revoke(house.alice, grant, WHOLE)
    assert [one["sequence"] for one in told(house)] == [1, 2]


def test_no_change_without_its_announcement(house: House) -> None:
    stream(house)
    grant = house.approved()
    house.runs("DROP TABLE event_deliveries")
    with pytest.raises(LogUnavailable):
        house.grants.revoke(house.alice, grant, WHOLE)
    assert house.grant(grant).status.value == "ACTIVE"


@pytest.mark.any_database
def test_who_has_no_stream_or_wants_other_events_is_told_nothing(house: House) -> None:
    house.approved()
    stream(house, requested=[EventType.FRAUD_ALERT.value])
    house.approved()
    assert told(house) == []


@pytest.mark.any_database
def test_a_disabled_stream_keeps_nothing_and_its_receiver_sees_the_gap(house: House) -> None:
    stream(house, status="disabled")
    grant = house.approved()
    house.runs("UPDATE event_streams SET status = 'enabled'")
    house.grants.revoke(house.alice, grant, WHOLE)
    assert [(one["sequence"], one["change"]) for one in told(house)] == [(2, "revoked")]


def test_the_standing_says_what_waits_and_when_it_is_late(house: House) -> None:
    stream(house)
    stream(house, "harbor-client", bank_id="harbor")
    grant = house.approved()
    assert _standing(house, grant) == (1, False, True)
    house.watch.passes(seconds=61)
    assert _standing(house, grant) == (1, True, True)
    house.runs("UPDATE event_deliveries SET state = 'dead' WHERE receiver = 'messenger'")
    assert _standing(house, grant) == (0, True, True)
    takes_all(house)
    assert _standing(house, grant) == (0, False, True)
    assert _standing(house, "no-such-grant") == (0, False, False)


@pytest.mark.any_database
def test_an_entry_without_a_grant_is_announced_to_nobody(house: House) -> None:
    stream(house)
    entry = Entry(Event.GRANT_REVOKED, Initiator.INDIVIDUAL, bank_id="harbor", platform_id="messenger")
    with house.sequencer.transaction(["harbor"]) as transaction:
        append_and_announce(transaction, entry)
        append_and_announce(transaction, replace(entry, grant_id="g", platform_id=None))
    assert told(house) == []


@pytest.mark.any_database
def test_who_is_told_no_more_has_confirmed_nothing_and_sees_the_gap_when_told_again(house: House) -> None:
    stream(house)
    grant = house.approved()
    takes_all(house)
    assert _standing(house, grant) == (0, False, True)
    house.runs("UPDATE event_streams SET requested = '[]'")
    house.grants.pause(house.alice, grant, WHOLE)
    assert _standing(house, grant) == (0, False, False)
    house.runs("DELETE FROM event_streams")
    house.grants.resume(house.alice, grant, WHOLE)
    assert _standing(house, grant) == (0, False, False)
    stream(house)
    assert _standing(house, grant) == (0, True, True)
    house.grants.revoke(house.alice, grant, WHOLE)
    assert [one["sequence"] for one in told(house)] == [1, 4]
    takes_all(house)
    assert _standing(house, grant) == (0, False, True)


@pytest.mark.any_database
def test_what_a_disabled_stream_swallowed_is_out_of_sync_although_nothing_waits(house: House) -> None:
    stream(house)
    grant = house.approved()
    takes_all(house)
    house.runs("UPDATE event_streams SET status = 'disabled'")
    house.grants.revoke(house.alice, grant, WHOLE)
    assert _standing(house, grant) == (0, True, True)


@pytest.mark.any_database
def test_an_older_event_that_is_taken_again_confirms_no_newer_one(house: House) -> None:
    stream(house)
    grant = house.approved()
    house.grants.revoke(house.alice, grant, WHOLE)
    takes_all(house)
    takes_all(house, 1)
    assert _standing(house, grant) == (0, False, True)


def takes_all(house: House, most: int = 99) -> None:
    """Let the receiver take its events, those up to a number."""
    query = select(EventDeliveryRow).where(EventDeliveryRow.sequence <= most).order_by(EventDeliveryRow.sequence)
    with house.database.write() as session:
        for row in session.scalars(query):
            acknowledge(session, row, house.watch())


def _announce(session: Any, grant: str, house: House) -> None:
    announce(
        session,
        receiver="messenger",
        grant_id=grant,
        event_type=EventType.GRANT_CHANGED,
        claims={},
        now=house.watch(),
    )
    session.flush()


def _standing(house: House, grant: str) -> tuple[int, bool, bool]:
    with house.database.read() as session:
        one = standing_of(session, [grant], house.watch())[grant]
    return one.waiting, one.is_out_of_sync, one.has_stream
