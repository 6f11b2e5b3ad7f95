"""The main job at both banks: person, consent, grant, release, log; walked by a plain HTTP client."""

from typing import Any

import pytest

from tests.support.actors import Person, Staff
from tests.support.platform_client import PlatformClient, details

BANKS = ("harbor", "meridian")
ALL = ("accounts", "balances", "transactions", "card_locations")


def url(info: dict[str, Any], name: str, account_id: str = "") -> str:
    return str(info["api"][name]).replace("{accountId}", account_id)


@pytest.mark.parametrize("bank", BANKS)
def test_a_person_shares_three_categories_takes_one_back_and_sees_every_access(info: dict[str, Any], bank: str) -> None:
    client = PlatformClient.of(info)
    person = Person.of(info, bank)
    pushed = client.begin(details(*ALL))
    page = person.arrives_at_consent(pushed)
    form = page.form("category", "account", "duration", "history", "detail", "precision", "decision")
    assert set(form.choices("category")) == set(ALL)
    assert form.ticked("category") == []
    landed = person.browser.submit(
        page,
        form,
        category=["balances", "transactions", "card_locations"],
        account=form.choices("account"),
        precision="country",
        decision="approve",
    )
    tokens = client.tokens(pushed, landed.url)
    assert set(tokens.answer["scope"].split()) == {"balances", "transactions", "card_locations"}
    grant = tokens.answer["grant_id"]

    balances = client.call(url(info, "account_balances"), tokens.access)
    assert balances.status_code == 200, balances.text
    rows = balances.json()["data"]["balances"]
    assert {row["accountId"] for row in rows} == set(form.choices("account"))
    one = rows[0]["accountId"]
    single = client.call(url(info, "balance", one), tokens.access).json()["data"]
    assert single["currentBalance"] == rows[0]["currentBalance"]
    assert single.keys() == rows[0].keys()

    transactions = client.call(url(info, "transactions", one), tokens.access)
    assert transactions.status_code == 200, transactions.text
    places = client.call(url(info, "card_locations"), tokens.access).json()["data"]["cardLocations"]
    assert places
    assert all(set(place.get("address", {"country": ""})) == {"country"} for place in places)

    refused = client.call(url(info, "accounts"), tokens.access)
    assert (refused.status_code, refused.json()["code"]) == (403, "category-not-granted")

    person.acts("revoke", grant, category="balances")
    stopped = client.call(url(info, "account_balances"), tokens.access)
    assert (stopped.status_code, stopped.json()["code"]) == (403, "category-revoked")
    assert client.call(url(info, "transactions", one), tokens.access).status_code == 200
    assert client.call(url(info, "card_locations"), tokens.access).status_code == 200

    own = [row for row in person.rows("history") if row["grant_id"] == grant]
    seen = Staff(info, bank).accesses()
    interaction = stopped.headers["x-fapi-interaction-id"]
    for rows in (own, seen):
        refusal = next(row for row in rows if row["interaction_id"] == interaction)
        assert (refusal["event"], refusal["decision"], refusal["category"]) == ("access.refused", "refused", "balances")
        assert "category-revoked" in refusal["reason"]
        released = [row for row in rows if row["event"] == "access.released" and row["grant_id"] == grant]
        assert len(released) == 6
    cards = {row["grant_id"]: row for row in person.rows("my_sharing")}
    states = {category["category"]: category["status"] for category in cards[grant]["categories"]}
    assert states == {"balances": "REVOKED", "transactions": "ACTIVE", "card_locations": "ACTIVE"}


@pytest.mark.parametrize("bank", BANKS)
def test_a_refused_consent_tells_the_platform_and_shares_nothing(info: dict[str, Any], bank: str) -> None:
    client = PlatformClient.of(info)
    pushed = client.begin(details("balances"))
    landed = Person.of(info, bank, 1).refuses(pushed)
    assert landed.url.startswith(f"{client.redirect_uri}?")
    assert "error=access_denied" in landed.url
    assert f"state={pushed.state}" in landed.url


def test_an_app_asks_for_more_and_the_person_sees_what_would_change(info: dict[str, Any]) -> None:
    client, person = PlatformClient.of(info), Person.of(info, "harbor")
    before = person.shares(client, "balances")
    grant, balances, places = before.answer["grant_id"], url(info, "account_balances"), url(info, "card_locations")
    more = {"grant_id": grant, "grant_management_action": "merge"}

    refused = person.refuses(client.begin(details("card_locations"), **more))
    assert "error=access_denied" in refused.url
    assert client.call(balances, before.access).status_code == 200

    pushed = client.begin(details("card_locations"), **more)
    page = person.arrives_at_consent(pushed)
    assert "asks to change what it may see" in page.text
    form = page.form("category", "account", "decision")
    assert set(form.choices("category")) == {"balances", "card_locations"}
    assert form.ticked("category") == ["balances"]
    assert form.ticked("account") == form.choices("account")
    landed = person.browser.submit(
        page, form, category=form.choices("category"), account=form.ticked("account"), decision="approve"
    )
    assert client.call(balances, before.access).status_code == 200
    assert client.call(places, before.access).json()["code"] == "category-not-granted"

    after = client.tokens(pushed, landed.url)
    assert after.answer["grant_id"] == grant
    assert client.call(places, after.access).status_code == 200
    assert client.call(balances, before.access).status_code == 401
    acts = [row["event"] for row in person.rows("history") if row["grant_id"] == grant]
    assert [event for event in acts if event in {"grant.approved", "grant.amended", "grant.refused"}] == [
        "grant.amended",
        "grant.refused",
        "grant.approved",
    ]


def test_a_plain_scope_request_takes_the_registered_purpose(info: dict[str, Any]) -> None:
    client = PlatformClient.of(info, 1)
    pushed = client.begin(scope="balances accounts")
    tokens = client.tokens(pushed, Person.of(info, "harbor", 1).approves(pushed, "balances").url)
    assert tokens.answer["authorization_details"][0]["purpose"] == info["platforms"][1]["default_purpose"]
    assert client.call(url(info, "account_balances"), tokens.access).status_code == 200


def test_each_act_is_effective_on_the_very_next_call(info: dict[str, Any]) -> None:
    client = PlatformClient.of(info)
    person = Person.of(info, "meridian", 2)
    tokens = person.shares(client, "balances", "accounts")
    grant = tokens.answer["grant_id"]
    first, *others = [
        row["accountId"] for row in client.call(url(info, "accounts"), tokens.access).json()["data"]["accounts"]
    ]
    assert others, "this persona needs two accounts"

    def code(name: str, account: str = "") -> tuple[int, str | None]:
        answer = client.call(url(info, name, account), tokens.access)
        return answer.status_code, answer.json().get("code")

    person.acts("pause", grant, category="balances")
    assert code("account_balances") == (403, "category-paused")
    assert code("accounts") == (200, None)
    person.acts("resume", grant, category="balances")
    assert code("account_balances") == (200, None)
    person.acts("pause", grant)
    assert code("account_balances") == (403, "grant-paused")
    person.acts("resume", grant)
    person.acts("revoke", grant, account=first)
    assert code("balance", first) == (403, "account-not-granted")
    assert code("balance", others[0]) == (200, None)
    person.acts("revoke", grant)
    assert code("account_balances") == (401, "grant-revoked")
    assert client.refresh(str(tokens.refresh)).json()["error"] == "invalid_grant"


def test_everything_can_be_stopped_at_once(info: dict[str, Any]) -> None:
    person = Person.of(info, "meridian", 1)
    first, second = PlatformClient.of(info, 0), PlatformClient.of(info, 1)
    one, two = person.shares(first, "balances"), person.shares(second, "balances")
    more = person.shares(first, "accounts")  # two towards one app: My sharing then has a button for that app too
    person.acts("revoke", "all")
    for client, tokens in ((first, one), (second, two), (first, more)):
        answer = client.call(url(info, "account_balances"), tokens.access)
        assert (answer.status_code, answer.json()["code"]) == (401, "grant-revoked")


def test_ids_of_accounts_are_pairwise(info: dict[str, Any]) -> None:
    person = Person.of(info, "harbor")
    ids = []
    for number in (0, 1):
        client = PlatformClient.of(info, number)
        tokens = person.shares(client, "accounts")
        ids.append(
            {row["accountId"] for row in client.call(url(info, "accounts"), tokens.access).json()["data"]["accounts"]}
        )
    assert len(ids[0]) == len(ids[1])
    assert not ids[0] & ids[1]
