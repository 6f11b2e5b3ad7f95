"""Whether an app has confirmed what we told it last: said on the card, on the permission's page and after a stop."""

import re
from datetime import timedelta

import pytest
from web_world import Browser, World, form_with, forms_of, words_of

from broker.events.delivery_models import EventDeliveryRow
from broker.events.stream_models import EventChainRow, EventStreamRow
from broker.events.vocabulary import DeliveryState, EventType, StreamStatus

LATE, IN_ANY_CASE = "Messenger has not confirmed our last message yet.", "It gets nothing more in any case."


def listens(world: World) -> None:
    """Let Messenger have a stream."""
    now = world.services.clock()
    with world.services.database.write() as session:
        session.add(
            EventStreamRow(
                id="stream",
                receiver="messenger",
                method="urn:ietf:rfc:8936",
                requested=[kind.value for kind in EventType],
                status=StreamStatus.ENABLED.value,
                failures=0,
                created_at=now,
                updated_at=now,
            )
        )


def takes_all(world: World) -> None:
    """Let Messenger have taken everything, as its acknowledgement leaves it."""
    with world.services.database.write() as session:
        for delivery in session.query(EventDeliveryRow):
            delivery.state = DeliveryState.TAKEN.value
        for chain in session.query(EventChainRow):
            chain.acknowledged_at, chain.acknowledged_sequence = world.services.clock(), chain.last_sequence


def told(maya: Browser, path: str) -> str:
    return re.sub(r"\s+", " ", words_of(maya.get(path)))


def both(maya: Browser, grant: str) -> list[str]:
    return [told(maya, path) for path in ("/my-sharing", f"/my-sharing/{grant}")]


@pytest.fixture
def grant(world: World, maya: Browser) -> str:
    listens(world)
    return world.shares(maya, "balances")


def test_an_app_that_is_being_told_is_said_to_be(maya: Browser, grant: str) -> None:
    for words in both(maya, grant):
        assert "We are telling Messenger." in words
        assert LATE not in words
    assert maya.json("/my-sharing")[0]["confirmedAt"] is None


def test_when_an_app_has_confirmed_is_told(world: World, maya: Browser, grant: str) -> None:
    takes_all(world)
    for words in both(maya, grant):
        assert "Messenger confirmed our last message:" in words
        assert "We are telling" not in words
    (row,) = maya.json("/my-sharing")
    assert row["confirmedAt"]
    assert row["outOfSync"] is False


def test_an_app_that_has_not_confirmed_for_a_minute_is_named(world: World, maya: Browser, grant: str) -> None:
    world.later = timedelta(seconds=62)
    for words in both(maya, grant):
        assert LATE in words
        assert "What you decided holds in any case." in words
    (row,) = maya.json("/my-sharing")
    assert (row["confirmedAt"], row["outOfSync"]) == (None, True)


def test_after_a_stop_the_person_knows_whether_the_app_knows(world: World, maya: Browser, grant: str) -> None:
    takes_all(world)
    form = next(one for one in forms_of(maya.get("/my-sharing")) if one.holds(grant=grant))
    again = form_with(maya.submit(form, ("action", "revoke")), "confirm")
    words = told(maya, maya.submit(again, ("confirm", "yes")).location)
    banner = words[words.index('class="banner"') : words.index("<h1>")]
    assert "We are telling Messenger. " + IN_ANY_CASE in banner
    world.later = timedelta(seconds=62)
    for words in both(maya, grant):
        assert f"{LATE} {IN_ANY_CASE}" in words
    takes_all(world)
    for words in both(maya, grant):
        assert "Messenger confirmed our last message:" in words
        assert IN_ANY_CASE not in words


def test_an_app_that_gets_no_messages_has_one_sentence_on_the_page_and_none_on_the_card(
    world: World, maya: Browser
) -> None:
    card, page = both(maya, world.shares(maya, "balances"))
    assert "We do not send messages to Messenger." in page
    assert "messages" not in card
    assert maya.json("/my-sharing")[0]["outOfSync"] is False
