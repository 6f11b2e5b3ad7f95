"""What a sign-in asks of a bank: no call for strangers, and tokens that open data for a consent alone."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from web_world import PERSON, Browser, World

from broker.banks import service as banks
from broker.banks.connector import Credential
from broker.banks.service import Bank
from broker.clock import system_clock
from broker.web.sign_in.endpoints import Endpoints, KeptEndpoints

METADATA = "/.well-known/openid-configuration"
IDENTITY_ONLY = ["openid profile"]


@pytest.mark.parametrize(
    "query", ["", "?state=x", "?state=x&code=y", "?error=access_denied&state=x", "?state=a&state=b"]
)
def test_an_answer_that_nobody_asked_for_causes_no_call(world: World, query: str) -> None:
    assert world.browser().get(f"/sign-in/harbor/callback{query}").status_code == 403
    assert world.provider.asked == []


def test_strangers_at_the_staff_door_cause_one_call_in_ten_minutes(world: World) -> None:
    for later in (timedelta(), timedelta(minutes=9), timedelta(minutes=10)):
        world.later = later
        for _ in range(5):
            assert world.browser().get("/sign-in/staff/harbor").status_code == 303
    assert world.provider.asked == [METADATA] * 2


def test_what_the_operator_changes_of_a_bank_counts_at_once(world: World) -> None:
    world.browser().get("/sign-in/staff/harbor")
    with world.services.database.write() as session:
        bank = banks.Bank("harbor", "Harbor", "fdx", world.provider.issuer, world.provider.issuer, "new", "openid data")
        banks.add(session, bank, world.services.clock())
    assert "client_id=new" in world.browser().get("/sign-in/staff/harbor").location
    assert world.provider.asked == [METADATA] * 2


def test_a_bank_that_failed_is_asked_again(world: World) -> None:
    world.provider.bent_metadata = {"issuer": "https://other.example"}
    assert world.browser().get("/sign-in/staff/harbor").status_code == 502
    world.provider.bent_metadata = {}
    assert world.browser().get("/sign-in/staff/harbor").status_code == 303


def test_the_memory_of_banks_is_bounded() -> None:
    kept, now = KeptEndpoints(), system_clock()
    known = [Bank(f"b-{n}", "B", "fdx", "http://b", "http://b", "c", "openid") for n in range(257)]
    for bank in known:
        kept.keep(bank, Endpoints("a", "t", "j", names_issuer=True), now)
    assert kept.find(known[0], now) is None
    assert all(kept.find(bank, now) for bank in known[1:])


def test_only_a_consent_asks_the_bank_for_data(world: World) -> None:
    browser = world.browser()
    for page in ("/sign-in?next=/my-sharing", "/sign-in?next=/history"):
        assert _scope(browser.goes_to_bank(page)) == IDENTITY_ONLY
    assert _scope(browser.get("/sign-in/staff/harbor").location) == IDENTITY_ONLY
    assert _scope(browser.goes_to_bank(browser.is_asked_to_consent())) == ["openid profile data"]


def test_signing_in_to_look_keeps_no_token_of_the_bank(world: World) -> None:
    world.browser().signs_in()
    assert _stored(world) is None


def test_signing_in_to_consent_keeps_the_banks_tokens(world: World) -> None:
    world.browser().signs_in_to_consent()
    assert _access_token(world) == "at-1"


def test_signing_in_to_look_leaves_the_stored_tokens_alone(world: World, maya: Browser) -> None:
    world.provider.bent_token = {"access_token": "at-2", "refresh_token": "rt-2"}
    assert maya.signs_in().status_code == 303
    assert _access_token(world) == "at-1"
    maya.signs_in_to_consent()
    assert _access_token(world) == "at-2"


def test_a_journey_to_look_is_not_taken_for_one_to_consent(world: World) -> None:
    browser = world.browser()
    to_look = browser.goes_to_bank()
    browser.goes_to_bank(browser.is_asked_to_consent())
    assert browser.get(world.provider.agrees(to_look, **PERSON)).location == "/my-sharing"
    assert _stored(world) is None


def _scope(location: str) -> list[str]:
    return parse_qs(urlsplit(location).query)["scope"]


def _stored(world: World) -> str | None:
    with world.services.database.read() as session:
        identity = world.services.users.at_bank(session, world.user_id(), "harbor")
    assert identity is not None
    return identity.credential


def _access_token(world: World) -> str:
    stored = _stored(world)
    assert stored is not None
    return Credential.load(stored).access_token
