"""Row 18 over real HTTP: the platforms, banks and people of the sandbox, every data route, everybody's accounts."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.actors import Person
from tests.support.platform_client import PlatformClient, Tokens
from tests.support.world import World

_ROUTES = {
    "accounts": "accounts",
    "account": "accounts",
    "account_balances": "balances",
    "balance": "balances",
    "transactions": "transactions",
    "card_locations": "card_locations",
}
_QUESTIONS: dict[str, dict[str, Any]] = {
    "balance_answer": {"atLeast": "50", "currency": "GBP"},
    "location_answer": {"place": {"country": "GB"}, "since": "P1D"},
}
_ANNOUNCED = "fraud_alert"
"""By an id that was announced to this platform under this grant: see tests/unit/alerts for those of others."""


@dataclass
class Held:
    """What one platform holds of one person."""

    client: PlatformClient
    tokens: Tokens

    @property
    def details(self) -> dict[str, Any]:
        found: dict[str, Any] = self.tokens.answer["authorization_details"][0]
        return found

    @property
    def categories(self) -> set[str]:
        return {category["name"] for category in self.details["categories"]}


@pytest.fixture(scope="module")
def holdings(info: dict[str, Any]) -> list[Held]:
    first, second = PlatformClient.of(info), PlatformClient.of(info, 1)
    shared = [
        (first, Person.of(info, "harbor", 0), ("accounts", "balances")),
        (first, Person.of(info, "harbor", 1), ("balances",)),
        (first, Person.of(info, "meridian", 0), ("accounts", "transactions")),
        (second, Person.of(info, "harbor", 0), ("accounts", "transactions")),
    ]
    found = []
    for client, person, categories in shared:
        purpose = "chat_banking" if client is first else "spending_insights"
        found.append(Held(client, person.shares(client, *categories, purpose=purpose)))
    return found


@pytest.mark.parametrize("world", ["sqlite"], indirect=True)
def test_each_platform_reads_what_it_was_granted_and_nothing_of_anybody_else(
    world: World, info: dict[str, Any], holdings: list[Held]
) -> None:
    assert world.info is info
    assert set(info["api"]) == {*_ROUTES, *_QUESTIONS, _ANNOUNCED}, "the matrix does not know these routes"
    everybodys = {account for held in holdings for account in held.details["accounts"]} | {"A" * 22}
    for held in holdings:
        own = set(held.details["accounts"])
        refusals = set()
        for route, category in _ROUTES.items():
            template = info["api"][route]
            for account in sorted(everybodys) if "{accountId}" in template else [None]:
                answer = held.client.call(template.replace("{accountId}", account or ""), held.tokens.access)
                if category not in held.categories:
                    assert (answer.status_code, answer.json()["code"]) == (403, "category-not-granted")
                elif account is not None and account not in own:
                    assert (answer.status_code, answer.json()["code"]) == (403, "account-not-granted")
                    refusals.add(json.dumps({k: v for k, v in answer.json().items() if k != "instance"}))
                else:
                    assert answer.status_code == 200, answer.text
                    seen = {one for one in everybodys if one in answer.text}
                    assert seen <= ({account} if account else own)
        assert len(refusals) <= 1
        answer = held.client.call(info["api"][_ANNOUNCED].replace("{alertId}", "a" * 43), held.tokens.access)
        assert (answer.status_code, answer.json()["code"]) == (404, "alert-unknown")
        for route, question in _QUESTIONS.items():
            about = question | ({"accountId": min(own)} if route == "balance_answer" else {})
            answer = held.client.asks(info["api"][route], held.tokens.access, about)
            assert (answer.status_code, answer.json()["code"]) == (403, "category-not-granted")
