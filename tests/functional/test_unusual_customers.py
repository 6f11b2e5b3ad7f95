"""Customers whose accounts are shared, closed, empty, crowded or hostile in name, all the way through the broker."""

from typing import Any

import pytest

from tests.support.actors import Person, Staff
from tests.support.markup import active_markup
from tests.support.pages import Page
from tests.support.platform_client import PlatformClient, details

pytestmark = [pytest.mark.parametrize("world", ["sqlite"], indirect=True), pytest.mark.timeout(180)]
ALL = ("accounts", "balances", "transactions", "card_locations")
QUESTIONS = ("What's my balance?", "Show my last transactions", "Where was my card used?", "Show my accounts")


def accounts_of(info: dict[str, Any], bank: str, username: str) -> list[dict[str, Any]]:
    """Share everything and return the accounts that come out of the API."""
    client = PlatformClient.of(info)
    tokens = Person.named(info, bank, username).shares(client, *ALL)
    found: list[dict[str, Any]] = client.call(info["api"]["accounts"], tokens.access).json()["data"]["accounts"]
    return found


def test_the_document_says_who_each_of_the_twelve_is(info: dict[str, Any]) -> None:
    assert [sum(user["bank"] == bank["id"] for user in info["users"]) for bank in info["banks"]] == [6, 6]
    assert len({user["about"] for user in info["users"]}) == 12


def test_a_joint_account_of_two_is_left_out_for_both(info: dict[str, Any]) -> None:
    assert [one["displayName"] for one in accounts_of(info, "harbor", "amara")] == ["Harbor Saver"]
    daniels = [one["displayName"] for one in accounts_of(info, "harbor", "daniel")]
    assert daniels == ["Harbor Saver", "Harbor Rewards Visa"]


def test_a_closed_account_is_not_offered(info: dict[str, Any]) -> None:
    assert [one["nickname"] for one in accounts_of(info, "meridian", "oscar")] == ["Everyday"]


def test_who_has_no_account_can_only_say_no(info: dict[str, Any]) -> None:
    person = Person.named(info, "harbor", "noah")
    page = person.signs_in_from(person.browser.get(PlatformClient.of(info).begin(details("balances")).url))
    assert "no account" in page.text
    form = page.form("decision")
    assert form.buttons == [("decision", "deny")]
    assert "error=access_denied" in person.browser.submit(page, form, decision="deny").url


def test_an_account_on_which_nothing_happened_answers_with_nothing(info: dict[str, Any]) -> None:
    client = PlatformClient.of(info)
    tokens = Person.named(info, "meridian", "ines").shares(client, *ALL)
    (balance,) = client.call(info["api"]["account_balances"], tokens.access).json()["data"]["balances"]
    assert balance["currentBalance"] == balance["availableBalance"] == "0.00"
    transactions = info["api"]["transactions"].replace("{accountId}", balance["accountId"])
    assert client.call(transactions, tokens.access).json()["data"]["transactions"] == []
    assert client.call(info["api"]["card_locations"], tokens.access).json()["data"]["cardLocations"] == []


def test_a_crowded_account_gives_its_balance_and_the_first_of_its_sixteen_thousand_transactions(
    info: dict[str, Any],
) -> None:
    client = PlatformClient.of(info)
    person = Person.named(info, "harbor", "nadia")
    pushed = client.begin(details("balances", "transactions", lookback_days=365))
    tokens = client.tokens(pushed, person.approves(pushed, "balances", "transactions", history="365").url)
    balances = client.call(info["api"]["account_balances"], tokens.access).json()["data"]["balances"]
    url = info["api"]["transactions"].replace("{accountId}", balances[0]["accountId"]) + "?page-size=1000"
    page = client.call(url, tokens.access).json()
    assert 15_000 < page["meta"]["totalRecords"] < 19_000
    assert len({row["transactionId"] for row in page["data"]["transactions"]}) == 1_000
    assert "cursor" in page["links"]["next"]


@pytest.fixture
def bobby(info: dict[str, Any]) -> Person:
    return Person.named(info, "meridian", "bobby")


def survives(page: Page) -> Page:
    assert page.status == 200, page.text
    assert active_markup(page.body) == []
    assert "\u202e" not in page.body, "a direction override would turn the rest of the line around"
    return page


def test_hostile_names_are_text_on_every_page_of_the_broker(info: dict[str, Any], bobby: Person) -> None:
    client = PlatformClient.of(info)
    pushed = client.begin(details(*ALL))
    consent = survives(bobby.arrives_at_consent(pushed))
    assert "<img src=x onerror=alert(1)>" in consent.text
    assert "\u2068\u05d7\u05e1\u05db\u05d5\u05df\u2069 99" in consent.text
    form = consent.form("category", "account", "decision")
    allowed = bobby.browser.submit(
        consent, form, category=list(ALL), account=form.choices("account"), decision="approve"
    )
    tokens = client.tokens(pushed, allowed.url)
    for name in ("accounts", "account_balances", "card_locations"):
        assert client.call(info["api"][name], tokens.access).status_code == 200, name
    sharing = survives(bobby.opens("my_sharing"))
    assert "<b onmouseover=alert(1)>Bobby</b>" in sharing.text
    assert "<img src=x onerror=alert(1)>" in sharing.text
    assert "\u2069 99 \u2022\u2022" in sharing.text, "a name from right to left leaves the number where it is"
    survives(bobby.opens("history"))
    survives(Staff(info, "meridian").opens_console())


def test_hostile_names_are_text_in_the_chat(info: dict[str, Any], bobby: Person) -> None:
    browser = bobby.browser
    hello = browser.get(info["messenger_url"])
    chat = browser.submit(hello, hello.form("name"), name="<script>alert(1)</script> \u202eBobby")
    page = bobby.signs_in_from(browser.submit(chat, chat.form("bank"), bank="meridian"))
    form = page.form("category", "account", "decision")
    chat = browser.submit(
        page, form, category=list(ALL), account=form.choices("account"), detail="detail", decision="approve"
    )
    for question in QUESTIONS:
        chat = browser.submit(chat, chat.form("question"), question=question)
        assert chat.status == 200, question
    assert active_markup(chat.body) == []
    assert "<img src=x onerror=alert(1)>" in chat.text
    assert "Robert'); DROP TABLE entry;--" in chat.text
