"""The map of card places: asked anew and logged, for the person alone, and drawn no finer than what leaves."""

import re
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from web_world import Browser, World, form_with, words_of

from broker.audit.reader import tail
from broker.banks.connector import BankAccess, CardUse, Channel, Place, Window
from broker.errors import BankUnavailable
from broker.grants.acts import Actor
from broker.policy.terms import CategoryTerm
from broker.policy.vocabulary import Precision

LEEDS = Place("GB", "ENG", "Leeds", "LS1 6DT", "12 Briggate", Decimal("53.7975"), Decimal("-1.5436"))
SOMERVILLE = Place("US", "MA", "Somerville", "02143", "5 Elm Street", Decimal("42.3954"), Decimal("-71.1219"))
HAMLET = Place("US", "MA", "No Such Hamlet", "02100", "1 Lane", Decimal("42.1"), Decimal("-71.2"))


def newest_event(world: World) -> str:
    with world.services.database.read() as session:
        return max(tail(session, after={}), key=lambda entry: entry.place.time_us).event.value


@pytest.fixture
def asked(world: World) -> list[str]:
    """Let the bank have card uses; the list is of the events in the log when it was asked."""
    seen: list[str] = []
    places = (LEEDS, LEEDS, SOMERVILLE, HAMLET, None)

    def card_uses(_access: BankAccess, refs: list[str], _window: Window) -> list[CardUse]:
        if world.connector.is_down:
            raise BankUnavailable
        seen.append(newest_event(world))
        now = world.services.clock()
        return [
            CardUse(
                refs[0],
                f"u-{n}",
                now - timedelta(days=n),
                Channel.IN_STORE if place else Channel.ONLINE,
                "5411",
                place,
                "terminal",
            )
            for n, place in enumerate(places)
        ]

    world.connector.card_uses = card_uses  # type: ignore[attr-defined]  # what this test's bank can do beside accounts
    return seen


def looks(world: World, maya: Browser, precision: Precision) -> str:
    terms = world.terms(CategoryTerm("card_locations", None, precision))
    consent = form_with(maya.get(f"/consent/{world.proposes(terms)}"), "decision")
    picks = [("account", ref) for ref in consent.values("account")]
    steps = [("category", "card_locations"), ("precision", precision.value), ("decision", "approve")]
    assert maya.submit(consent, *picks, *steps).status_code == 303
    return words_of(maya.submit(form_with(maya.get("/history/map"), "grant")))


def test_the_map_is_in_the_log_before_the_bank_is_asked(world: World, maya: Browser, asked: list[str]) -> None:
    page = looks(world, maya, Precision.TOWN)
    assert asked == ["access.previewed"]
    assert "Messenger got nothing now" in page
    assert "We showed you where your cards were used at Harbor Bank" in words_of(maya.get("/history"))


@pytest.mark.parametrize(
    ("precision", "drawn", "table", "never"),
    [
        (Precision.COUNTRY, {"country"}, "United Kingdom", ("Leeds", "Briggate", "LS1")),
        (Precision.TOWN, {"town", "state"}, "Leeds, ENG, United Kingdom", ("LS1", "Briggate")),
        (Precision.POSTCODE_AREA, {"postcode_area", "state"}, "LS1, Leeds, ENG, United Kingdom", ("6DT", "Briggate")),
        (Precision.EXACT, {"exact"}, "12 Briggate, LS1 6DT, Leeds", ()),
    ],
)
def test_places_are_drawn_as_exact_as_they_are_released(
    world: World,
    maya: Browser,
    asked: list[str],
    precision: Precision,
    drawn: set[str],
    table: str,
    never: tuple[str, ...],
) -> None:
    page = looks(world, maya, precision)
    figure = page.partition('<svg class="map"')[2].partition("</svg>")[0]
    assert set(re.findall(r'class="place (\w+)"', figure)) == drawn
    assert table in page
    assert "A card was used online 1 time" in page
    assert [word for word in never if word in page] == []
    assert "style=" not in page
    assert len(page) < 60_000
    assert len(asked) == 1


def test_nothing_of_the_map_is_kept(world: World, maya: Browser, asked: list[str]) -> None:
    assert "Briggate" in looks(world, maya, Precision.EXACT)
    assert "Briggate" not in words_of(maya.get("/history/map"))
    assert len(asked) == 1


def test_a_bank_that_is_down_leaves_a_page_that_says_so(world: World, maya: Browser, asked: list[str]) -> None:
    world.connector.is_down = False
    grant_id = world.shares(maya, "card_locations")
    world.connector.is_down = True
    answer = maya.submit(form_with(maya.get("/history/map"), "grant"))
    assert answer.status_code == 422
    assert "Harbor Bank did not answer" in words_of(answer)
    assert newest_event(world) == "access.failed"
    assert (grant_id in words_of(answer), asked) == (True, [])


def test_somebody_elses_permission_and_one_that_has_ended_show_nothing(
    world: World, maya: Browser, asked: list[str]
) -> None:
    grant_id = world.shares(maya, "card_locations")
    form = form_with(maya.get("/history/map"), "grant")
    noah = world.browser()
    noah.signs_in(sub="hb-2", name="Noah")
    theirs = noah.get("/history/map")
    assert "No app may know" in words_of(theirs)
    token = form_with(theirs, "csrf_token").fields
    assert noah.post("/history/map", [*token, ("grant", grant_id)]).status_code == 404
    for told in ("", "x" * 65, grant_id + "0"):
        answer = maya.post("/history/map", [(name, told if name == "grant" else value) for name, value in form.fields])
        assert answer.status_code in {400, 404}
    world.services.grants.revoke_all(Actor(world.grant(grant_id).user_id, str(uuid.uuid4())))
    answer = maya.submit(form)
    assert answer.status_code == 422
    assert "This permission has ended" in words_of(answer)
    assert asked == []
