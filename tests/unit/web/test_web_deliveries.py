"""The page of deliveries: a platform's own people see which events went to them, and send again what was given up."""

import pytest
from sqlalchemy import select
from web_world import Browser, World, form_with, forms_of, path_of

from broker.events.announcing import announce
from broker.events.delivery_models import EventDeliveryRow
from broker.events.stream_models import EventStreamRow
from broker.events.streams import Wish, create
from broker.events.vocabulary import DeliveryState, EventType, StreamStatus
from broker.platforms import people

PAGE = "/developers/messenger/deliveries"


@pytest.fixture
def sent(world: World) -> list[str]:
    """Two events for the platform, the first given up, and one of another platform that was given up too."""
    jtis = []
    with world.services.database.write() as session:
        create(session, world.services.sealer, "messenger", Wish(), allowed=(), now=world.services.clock())
        for number in range(3):
            jti = announce(
                session,
                receiver="messenger",
                grant_id=f"grant-{number}",
                event_type=EventType.GRANT_CHANGED,
                claims={"change": "paused"},
                now=world.services.clock(),
            )
            jtis.append(jti or "")
            session.flush()
        for number in (0, 2):
            row = session.get_one(EventDeliveryRow, jtis[number])
            row.state, row.attempts, row.error = DeliveryState.DEAD.value, 8, "invalid_key: <b>no</b>"
        row.receiver, now = "rival", world.services.clock()
        theirs = EventStreamRow(id="theirs", receiver="rival", method=Wish().method.value, requested=[], failures=0)
        theirs.status, theirs.created_at, theirs.updated_at = StreamStatus.ENABLED.value, now, now
        session.add(theirs)
    return jtis


def developer(world: World) -> Browser:
    with world.services.database.write() as session:
        _, secret = people.invite(session, "messenger", "Dev Eloper", world.services.clock())
    browser = world.browser()
    browser.submit(form_with(browser.get(f"/developers/sign-in?link={secret}"), "link"))
    return browser


def state_of(world: World, jti: str) -> str:
    with world.services.database.read() as session:
        return str(session.scalar(select(EventDeliveryRow.state).where(EventDeliveryRow.jti == jti)))


def test_the_page_shows_the_platforms_own_events_and_why_one_was_given_up(world: World, sent: list[str]) -> None:
    page = developer(world).get(PAGE).text
    assert [jti in page for jti in sent] == [True, True, False]
    assert "invalid_key: &lt;b&gt;no&lt;/b&gt;" in page
    assert "1 event was given up." in page


def test_what_was_given_up_is_sent_again_by_one_press(world: World, sent: list[str]) -> None:
    browser = developer(world)
    answer = browser.submit(form_with(browser.get(PAGE), "jti"))
    assert path_of(answer) == PAGE
    assert "The event will be sent again." in browser.get(PAGE).text
    assert state_of(world, sent[0]) == "waiting"


def test_nobody_sends_again_what_is_anothers_or_still_waits(world: World, sent: list[str]) -> None:
    browser = developer(world)
    form = form_with(browser.get(PAGE), "jti")
    token = ("csrf_token", dict(form.fields)["csrf_token"])
    for jti in (sent[1], sent[2], "no-such-event"):
        assert browser.post(PAGE, [token, ("jti", jti)]).status_code == 404
    assert browser.post(PAGE, [("jti", sent[0])]).status_code == 400
    assert [state_of(world, jti) for jti in sent] == ["dead", "waiting", "dead"]


def test_the_rows_are_filtered_and_told_to_programs(world: World, sent: list[str]) -> None:
    browser = developer(world)
    assert [row["jti"] for row in browser.json(f"{PAGE}?state=dead")] == [sent[0]]
    (row,) = browser.json(f"{PAGE}?before={sent[1]}")
    assert (row["event"], row["state"], row["attempts"], row["sequence"]) == ("paused", "dead", 8, 1)
    assert browser.get(f"{PAGE}?state=gone").status_code == 400


def test_before_there_is_a_stream_the_page_says_so(world: World) -> None:
    page = developer(world).get(PAGE)
    assert "has not asked for events yet" in page.text
    assert not any(form.has("jti") for form in forms_of(page))
