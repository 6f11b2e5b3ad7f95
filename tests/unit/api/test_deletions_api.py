"""The API by which platforms answer requests to delete, in the application as it is served."""

from typing import Any

import pytest
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from broker.app import create_app
from broker.platforms.options import Options
from broker.platforms.service import Platform as Registered
from broker.platforms.service import PlatformKind, add
from broker.policy.vocabulary import MachineScope
from broker.tokens.machine import issue_machine
from tests.support.core import DATA, House
from tests.support.edge import Platform, problem, services_of

LIST = "/v1/deletions"
UNKNOWN = "00000000-0000-7000-8000-000000000000"
KEY = ECKey.generate_key("P-256", {"alg": "ES256"}, auto_kid=True)


def machine(house: House, platform_id: str, *scopes: MachineScope) -> Platform:
    """Register a platform, and give it a token for itself with these scopes."""
    jwks = {"keys": [KEY.as_dict(private=False)]}
    options = Options(machine_scopes=tuple(MachineScope))
    client = Registered(
        platform_id, PlatformKind.PLATFORM, platform_id, jwks, (), DATA, ("chat_banking",), options=options
    )
    with house.database.write() as session:
        add(session, house.catalogue, client, http_loopback=True, now=house.watch())
    made = Platform(house, create_app(services_of(house)).test_client(), house.approved(), platform_id=platform_id)
    with house.database.write() as session:
        facts: dict[str, Any] = {"platform_id": platform_id, "jkt": made.key.thumbprint(), "scopes": scopes}
        made.token = issue_machine(session, **facts, requires_nonce=False, now=house.watch())[0]
    return made


@pytest.fixture
def platform(house: House) -> Platform:
    return machine(house, "messenger", MachineScope.DELETIONS)


@pytest.fixture
def deletion(platform: Platform, house: House) -> str:
    """Let Alice ask Messenger, and return the request as the platform lists it."""
    house.deletions.request(house.alice, platform.grant_id)
    return str(listed(platform)["data"]["deletions"][-1]["deletionId"])


def listed(platform: Platform, query: str = "") -> dict[str, Any]:
    answer = platform.get(LIST, query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json or {}
    return body


def says(platform: Platform, deletion: str, body: Any, what: str = "completion") -> TestResponse:
    return platform.post(f"{LIST}/{deletion}/{what}", body)


def acknowledges(platform: Platform, deletion: str) -> TestResponse:
    return says(platform, deletion, b"", "acknowledgement")


def test_a_platform_lists_acknowledges_and_completes(platform: Platform, deletion: str, house: House) -> None:
    (told,) = listed(platform)["data"]["deletions"]
    assert told == {
        "deletionId": deletion,
        "grantId": platform.grant_id,
        "status": "requested",
        "requestedAt": "2026-11-22T12:00:00Z",
        "respondBy": "2026-12-22T12:00:00Z",
    }
    assert acknowledges(platform, deletion).json["data"]["status"] == "acknowledged"  # type: ignore[index] # an object
    assert (listed(platform, "?status=open")["meta"], listed(platform, "?status=completed")["meta"]) == (
        {"totalRecords": 1},
        {"totalRecords": 0},
    )
    answer = says(platform, deletion, {"statement": "partly-retained", "reason": "legal-obligation"})
    assert answer.status_code == 200
    done = answer.json["data"]  # type: ignore[index] # an object
    assert (done["status"], done["reason"]) == ("partly-retained", "legal-obligation")
    assert done["completedAt"] == done["acknowledgedAt"] == "2026-11-22T12:00:00Z"
    assert house.events(3) == ["deletion.requested", "deletion.acknowledged", "deletion.completed"]


def test_saying_it_again_is_answered_alike_and_logged_once(platform: Platform, deletion: str, house: House) -> None:
    for _ in range(3):
        assert acknowledges(platform, deletion).status_code == 200
        assert says(platform, deletion, {"statement": "completed"}).status_code == 200
    otherwise = says(platform, deletion, {"statement": "partly-retained", "reason": "legal-claims"})
    assert problem(otherwise) == (409, "deletion-completed")
    assert house.events(3) == ["deletion.requested", "deletion.acknowledged", "deletion.completed"]


def test_another_platforms_request_is_as_if_there_were_none(deletion: str, house: House) -> None:
    rival = machine(house, "rival", MachineScope.DELETIONS)
    assert listed(rival)["data"]["deletions"] == []
    for what, body in (("acknowledgement", b""), ("completion", {"statement": "completed"})):
        answers = [says(rival, one, body, what) for one in (deletion, UNKNOWN)]
        assert [problem(answer) for answer in answers] == [(404, "not-found")] * 2
        assert len({str({**(answer.json or {}), "instance": ""}) for answer in answers}) == 1
    assert [event for event in house.events() if event.startswith("deletion.")] == ["deletion.requested"]


def test_without_the_scope_nothing_is_listed_or_said(house: House, deletion: str) -> None:
    other = machine(house, "messenger", MachineScope.GRANT_QUERY)
    for answer in (other.get(LIST), acknowledges(other, deletion), says(other, deletion, {"statement": "completed"})):
        assert problem(answer) == (403, "scope-missing")
    assert house.events().count("deletion.acknowledged") == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"statement": "completed", "statement": "completed"}',
        {},
        {"statement": "COMPLETED"},
        {"statement": "partly-retained"},
        {"statement": "completed", "reason": "legal-obligation"},
        {"statement": "partly-retained", "reason": "we would rather keep it"},
        {"statement": "completed", "note": "<script>alert(1)</script>"},
        {"statement": ["completed"]},
        {"statement": None},
    ],
    ids=str,
)
def test_what_a_platform_cannot_say_is_refused_and_changes_nothing(
    platform: Platform, deletion: str, house: House, body: Any
) -> None:
    assert problem(says(platform, deletion, body)) == (400, "invalid-request")
    assert listed(platform)["data"]["deletions"][0]["status"] == "requested"
    assert house.events()[-1] == "deletion.requested"


@pytest.mark.parametrize(
    "query", ["?status=all", "?page-size=0", "?page-size=201", "?after=x", "?x=1", "?after=1&after=2"]
)
def test_a_list_is_not_asked_for_in_any_other_way(platform: Platform, query: str) -> None:
    assert problem(platform.get(LIST, query)) == (400, "invalid-request")


def test_an_acknowledgement_says_nothing_more(platform: Platform, deletion: str) -> None:
    assert problem(says(platform, deletion, {"x": 1}, "acknowledgement")) == (400, "invalid-request")
    assert says(platform, deletion, {}, "acknowledgement").status_code == 200


def test_an_id_that_is_none_answers_like_an_unknown_one(platform: Platform) -> None:
    assert problem(acknowledges(platform, "x")) == (404, "not-found")
    assert problem(acknowledges(platform, UNKNOWN)) == (404, "not-found")


def test_a_long_list_goes_on_by_its_links(platform: Platform, house: House) -> None:
    for grant_id in (house.approved(), house.approved(), house.approved()):
        house.deletions.request(house.alice, grant_id)
    found, query = [], "?page-size=2"
    while query:
        part = listed(platform, query)
        found += [one["deletionId"] for one in part["data"]["deletions"]]
        query = part["links"].get("next", "").partition(LIST)[2]
    assert len(found) == len(set(found)) == 3
    assert found == sorted(found)
