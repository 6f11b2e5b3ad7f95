"""Messenger's inbox: events of one grant are acted upon in their order, once, and none stops all the others."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from messenger_events_world import DELETION_REQUESTED, FRAUD_ALERT, TellingBroker, sees
from test_messenger_chat import Browser, Messenger

from tests.support.waiting import until


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Messenger]:
    broker = TellingBroker()
    with Messenger(tmp_path_factory.mktemp("messenger"), broker) as messenger:
        until(lambda: broker.streams)
        yield messenger
    broker.close()


@pytest.fixture
def broker(running: Messenger) -> TellingBroker:
    assert isinstance(running.fake, TellingBroker)
    running.fake.reset()
    return running.fake


@pytest.fixture
def alice(running: Messenger, broker: TellingBroker) -> Browser:  # noqa: ARG001 - the knobs are turned back first
    return Browser(running).says_hello().connects()


def reads(messenger: Messenger, query: str) -> list[tuple[str, ...]]:
    """Ask Messenger's database."""
    base = sqlite3.connect(messenger.folder / "messenger.sqlite")
    rows = base.execute(query).fetchall()
    base.close()
    return rows


def test_an_event_that_is_put_off_is_not_overtaken_by_those_behind_it(
    running: Messenger, broker: TellingBroker, alice: Browser
) -> None:
    broker.failing[f"/oauth/grants/{broker.grant_id}"] = 1
    broker.tells(running, "amended")
    until(lambda: broker.failing[f"/oauth/grants/{broker.grant_id}"] < 1)
    broker.tells(running, "paused")
    text = sees(alice, "You paused your sharing")
    assert 0 < text.find("has changed. You now share this") < text.find("You paused your sharing")


def test_an_event_that_is_put_off_holds_up_no_other_grant(
    running: Messenger, broker: TellingBroker, alice: Browser
) -> None:
    alices = broker.grant_id
    broker.failing[f"/oauth/grants/{alices}"] = 1_000
    broker.tells(running, "amended")
    until(lambda: broker.failing[f"/oauth/grants/{alices}"] < 1_000)
    broker.grant_id, broker.sequence = "grant-of-bob-2", 0
    bob = Browser(running).says_hello("Bob").connects()
    broker.tells(running, "paused")
    sees(bob, "You paused your sharing")
    alice.page = alice.session.get(alice.at, timeout=10)
    assert "has changed" not in alice.text


def test_the_end_of_a_grant_waits_for_no_bank(running: Messenger, broker: TellingBroker, alice: Browser) -> None:
    alice.asks("What's my balance?")
    broker.refusals["fraud_alerts"] = (503, "bank-unavailable")
    broker.pushes(running, broker.signed(broker.claims(FRAUD_ALERT, alert_id="a1")))
    until(lambda: broker.calls[-1][0] == "/v1/fraud-alerts/a1")
    broker.tells(running, "revoked")
    text = sees(alice, "You stopped sharing from Harbor Bank.")
    assert "£1,204.35" not in text


def test_all_pages_of_the_list_of_requests_to_delete_are_read(running: Messenger, broker: TellingBroker) -> None:
    asked = [f"d-page-{number}" for number in range(5)]
    broker.grant_id, broker.sequence, broker.deletions_a_page = "grant-of-nobody-2", 1, 2
    broker.open_deletions = [{"deletionId": one, "grantId": "grant-long-gone"} for one in asked]
    broker.tells(running, "paused")
    until(lambda: ("d-page-4", "completion") in broker.deleted)
    assert [deletion for deletion, act in broker.deleted if act == "completion"] == asked


def test_a_request_to_delete_behind_a_gap_is_carried_out_and_told_once(
    running: Messenger, broker: TellingBroker, alice: Browser
) -> None:
    broker.sequence = 1
    broker.open_deletions = [{"deletionId": "d-once", "grantId": broker.grant_id}]
    claims = broker.claims(DELETION_REQUESTED, deletion_id="d-once", respond_by="2026-12-22T12:00:00Z")
    assert broker.pushes(running, broker.signed(claims)).status_code == 202
    broker.tells(running, "paused")
    text = sees(alice, "You paused your sharing")
    assert text.count("You asked me to delete your data") == 1
    assert broker.deleted == [("d-once", "acknowledgement"), ("d-once", "completion")]


def test_what_cannot_be_opened_is_set_aside_and_everything_else_goes_on(tmp_path: Path) -> None:
    broker = TellingBroker()
    with Messenger(tmp_path, broker) as messenger:
        until(lambda: broker.streams)
        Browser(messenger).says_hello().connects()
        broken = broker.grant_id
        base = sqlite3.connect(tmp_path / "messenger.sqlite")
        with base:
            base.execute("UPDATE connections SET access_token = ?", [b"altered".ljust(40)])
        base.close()
        broker.tells(messenger, "paused")
        broker.grant_id, broker.sequence = "grant-of-bob", 1
        bob = Browser(messenger).says_hello("Bob").connects()
        broker.open_deletions = [{"deletionId": "d-1", "grantId": broken}, {"deletionId": "d-2", "grantId": "gone"}]
        broker.tells(messenger, "paused")
        sees(bob, "You paused your sharing")
        assert broker.deleted[1:] == [("d-2", "acknowledgement"), ("d-2", "completion")]
        assert reads(messenger, "SELECT grant_id, state FROM events") == [
            (broken, "set_aside"),
            ("grant-of-bob", "done"),
        ]
        _, said = messenger.stop()
        assert "an event was set aside" in said
        assert "1 so far" in said
        broker.streams.clear()  # what happened meanwhile is read at the broker, grant by grant
        broker.grant_status = "REVOKED"
        with messenger:
            sees(bob, "Your sharing from Harbor Bank has ended.")
    broker.close()
