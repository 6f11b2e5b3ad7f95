"""A person stops an app and asks it to delete what it has; the app answers, the person and the bank see it."""

from typing import Any

import pytest

from tests.support.actors import Person, Staff
from tests.support.platform_client import PlatformClient

LIST = "/v1/deletions"


def says(client: PlatformClient, info: dict[str, Any], deletion: str, what: str, body: dict[str, Any]) -> Any:
    return client.asks(f"{info['issuer']}{LIST}/{deletion}/{what}", client.for_itself("deletions"), body)


def listed(client: PlatformClient, info: dict[str, Any], status: str) -> list[str]:
    answer = client.call(f"{info['issuer']}{LIST}?status={status}&page-size=200", client.for_itself("deletions"))
    assert answer.status_code == 200, answer.text
    return [one["deletionId"] for one in answer.json()["data"]["deletions"]]


@pytest.mark.parametrize("bank", ["harbor", "meridian"])
def test_a_request_reaches_the_app_and_its_answer_reaches_the_person_and_the_bank(
    info: dict[str, Any], bank: str
) -> None:
    # An app that listens to no events and asks for itself.
    client, rival, person = PlatformClient.of(info, 1), PlatformClient.of(info, 0), Person.of(info, bank, 1)
    tokens = person.shares(client, "balances")
    grant = tokens.answer["grant_id"]
    assert client.call(info["api"]["account_balances"], tokens.access).status_code == 200
    person.acts("revoke", grant)
    asked = person.asks_to_delete(grant)
    assert asked["status"] == "requested"
    assert asked["id"] in listed(client, info, "open")
    assert asked["id"] not in listed(rival, info, "open")
    forged = says(rival, info, asked["id"], "completion", {"statement": "completed"})
    assert (forged.status_code, forged.json()["code"]) == (404, "not-found")
    assert person.asked_to_delete(grant)["status"] == "requested"

    assert says(client, info, asked["id"], "acknowledgement", {}).json()["data"]["status"] == "acknowledged"
    assert person.asked_to_delete(grant)["status"] == "acknowledged"
    done = {"statement": "partly-retained", "reason": "legal-obligation"}
    assert says(client, info, asked["id"], "completion", done).status_code == 200
    assert person.asked_to_delete(grant)["status"] == "partly-retained"
    assert asked["id"] in listed(client, info, "completed")
    other = says(client, info, asked["id"], "completion", {"statement": "completed"})
    assert (other.status_code, other.json()["code"]) == (409, "deletion-completed")

    steps = ["deletion.completed", "deletion.acknowledged", "deletion.requested"]
    for rows in (person.rows("history"), Staff(info, bank).accesses()):
        own = [row for row in rows if row["grant_id"] == grant and row["event"].startswith("deletion.")]
        assert [row["event"] for row in own] == steps
        assert own[0]["reason"] == "legal-obligation"
