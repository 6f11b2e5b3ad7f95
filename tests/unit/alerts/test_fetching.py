"""How a platform fetches an alert: by the id it was told, a few times, through the same door as all data."""

import json
from base64 import urlsafe_b64decode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from broker.alerts.ids import AlertIds, Sealed
from broker.audit.reader import Page, of_user
from broker.banks.connector import AlertKind
from broker.errors import BankUnavailable
from broker.grants.service import Part
from broker.policy.harvest import Budget, Budgets, Counter, Span
from tests.support.alerted import CANARY, CATEGORY, Scene
from tests.support.core import House


@pytest.fixture
def scene(house: House) -> Scene:
    made = Scene(house)
    made.raises()
    return made


@pytest.fixture
def grant(scene: Scene) -> str:
    return scene.grants()


@pytest.fixture
def alert_id(scene: Scene, grant: str) -> str:
    assert grant
    assert scene.posts() == 1
    told: str = scene.told()[0]["alert_id"]
    return told


def test_an_alert_leaves_with_the_fields_of_the_catalogue_and_no_other(scene: Scene, grant: str, alert_id: str) -> None:
    (record,) = json.loads(scene.reads(grant, alert_id))
    assert record.keys() == {
        "alertId", "accountId", "kind", "occurredAt", "amount", "currency", "merchantName", "country"
    }  # fmt: skip
    assert (record["alertId"], record["accountId"], record["merchantName"]) == (alert_id, "acc-1", CANARY)


def test_it_is_announced_to_the_log_before_the_bank_is_asked_and_released_after(
    scene: Scene, grant: str, alert_id: str
) -> None:
    seen: list[list[str]] = []
    scene.house.bank.meanwhile = lambda _: seen.append(scene.house.durable_events())
    scene.reads(grant, alert_id)
    assert seen[0][-1] == "access.requested"
    assert scene.house.events(2) == ["access.requested", "access.released"]
    assert scene.house.bank.asked == [(CATEGORY, ("ref-1", "fa-1"))]


def test_the_bank_can_see_that_it_is_about_this_very_alert(scene: Scene, grant: str, alert_id: str) -> None:
    scene.reads(grant, alert_id)
    (access,) = scene.house.bank.accesses
    assert access.announced is not None
    assert '"alert","fa-1"' in _decoded(access.announced.disclosures)


def test_an_alert_is_read_three_times_and_no_more(scene: Scene, grant: str, alert_id: str) -> None:
    outcomes = [scene.reads(grant, alert_id).startswith("[") for _ in range(3)]
    assert outcomes == [True] * 3
    assert scene.reads(grant, alert_id) == "alert-read-out"
    assert len(scene.house.bank.asked) == 3
    assert scene.house.log()[-1].reasons == ("alert-read-out",)


def test_of_many_reads_at_once_exactly_three_are_answered(scene: Scene, grant: str, alert_id: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        outcomes = [text.startswith("[") for text in pool.map(lambda _: scene.reads(grant, alert_id), range(8))]
    assert outcomes.count(True) == 3


def test_alerts_are_not_counted_with_the_reads_of_the_day(scene: Scene, grant: str) -> None:
    for number in range(2, 9):
        scene.raises(f"fa-{number}")
        assert scene.posts(f"fa-{number}") == 1
    ids = [told["alert_id"] for told in scene.told()]
    assert len(ids) == 7
    assert all(scene.reads(grant, one).startswith("[") for one in ids)


def test_a_wave_of_fraud_holds_no_platform_that_warns_of_it(house: House) -> None:
    one_an_hour = Budgets((Budget(Counter.READS, Span.HOUR, 1, 0),))
    house.release = replace(house.release, catalogue=replace(house.catalogue, harvest=one_an_hour))
    scene = Scene(house)
    grant = scene.grants()
    for ref in ("fa-1", "fa-2", "fa-3"):
        scene.raises(ref)
        assert scene.posts(ref) == 1
    assert [scene.reads(grant, told["alert_id"]).startswith("[") for told in scene.told()] == [True] * 3


def test_another_grants_id_opens_nothing(scene: Scene, grant: str, alert_id: str) -> None:
    other = scene.grants()
    assert scene.reads(other, alert_id) == "alert-unknown"
    assert scene.reads(grant, alert_id).startswith("[")


def test_ids_that_open_nothing_are_answered_alike_logged_and_never_reach_the_bank(
    scene: Scene, grant: str, alert_id: str
) -> None:
    changed = ("A" if alert_id[40] != "A" else "B").join((alert_id[:40], alert_id[41:]))
    forged = ["x", "", "é" * 20, "A" * 5_000, alert_id[:-1], alert_id + "=", alert_id + "A", changed, "<script>"]
    assert {scene.reads(grant, one) for one in forged} == {"alert-unknown"}
    assert [entry.reasons for entry in scene.house.log()[-len(forged) :]] == [("alert-unknown",)] * len(forged)
    assert scene.house.bank.asked == []


def test_an_id_for_a_platform_of_another_name_opens_nothing(scene: Scene, grant: str) -> None:
    sealed = Sealed("fa-1", "acc-1", scene.house.watch())
    assert scene.reads(grant, AlertIds(scene.house.sealer, "rival", grant).made(sealed)) == "alert-unknown"


def test_an_id_lives_for_seven_days(scene: Scene, grant: str, alert_id: str) -> None:
    scene.house.watch.passes(days=6, hours=23)
    assert scene.reads(grant, alert_id).startswith("[")
    scene.house.watch.passes(hours=1)
    assert scene.reads(grant, alert_id) == "alert-unknown"


@pytest.mark.parametrize(
    ("part", "code"),
    [
        (Part(), "grant-revoked"),
        (Part(category=CATEGORY), "category-revoked"),
        (Part(account_id="acc-1"), "account-not-granted"),
    ],
)
def test_what_was_announced_does_not_leave_after_it_was_ended(house: House, part: Part, code: str) -> None:
    scene = Scene(house)
    scene.raises()
    grant = scene.grants("acc-1", "acc-2")
    scene.posts()
    alert_id = scene.told()[0]["alert_id"]
    house.grants.revoke(house.alice, grant, part)
    assert scene.reads(grant, alert_id) == code
    assert house.bank.asked == []


def test_a_token_for_something_else_opens_no_alert(scene: Scene, grant: str, alert_id: str) -> None:
    assert scene.reads(grant, alert_id, "balances") == "category-not-granted"


def test_an_alert_that_the_bank_took_back_leaves_nothing(scene: Scene, grant: str, alert_id: str) -> None:
    scene.house.bank.own_alerts.clear()
    assert scene.reads(grant, alert_id) == "[]"


def test_a_bank_that_fails_uses_up_a_read_and_is_logged(scene: Scene, grant: str, alert_id: str) -> None:
    scene.house.bank.error = BankUnavailable()
    assert scene.reads(grant, alert_id) == "bank-unavailable"
    assert scene.house.events(1) == ["access.failed"]


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": AlertKind.TRANSFER},
        {"merchant_category_code": None},
        {"merchant_category_code": "4829"},
    ],
    ids=["transfer", "no kind of shop", "money sent by card"],
)
def test_the_name_of_a_person_never_leaves(scene: Scene, grant: str, alert_id: str, changes: dict[str, Any]) -> None:
    (alert,) = scene.house.bank.own_alerts
    scene.house.bank.own_alerts[:] = [replace(alert, **changes)]
    (record,) = json.loads(scene.reads(grant, alert_id))
    assert "merchantName" not in record


def test_a_number_in_the_name_of_a_shop_is_hidden(scene: Scene, grant: str, alert_id: str) -> None:
    (alert,) = scene.house.bank.own_alerts
    scene.house.bank.own_alerts[:] = [replace(alert, merchant_name="Shop 12345678")]
    assert "12345678" not in scene.reads(grant, alert_id)


def test_an_alert_about_what_happened_before_the_days_that_are_shared_does_not_leave(
    scene: Scene, grant: str, alert_id: str
) -> None:
    (alert,) = scene.house.bank.own_alerts
    scene.house.bank.own_alerts[:] = [replace(alert, occurred_at=scene.house.watch.now.replace(year=2025))]
    assert scene.reads(grant, alert_id) == "[]"


def test_nothing_that_an_alert_says_rests_in_the_database(scene: Scene, grant: str, alert_id: str) -> None:
    assert CANARY in scene.reads(grant, alert_id)
    stored = scene.house.stored_bytes()
    assert alert_id.encode() in stored  # what is stored is searched, and the id waits there for the platform
    assert not [word for word in (CANARY, "84.20", "fa-1") if word.encode() in stored]
    with scene.house.database.read() as session:
        entries = of_user(session, scene.house.sealer, scene.house.alice.user_id, Page(50))
    assert [entry.event for entry in entries][:3] == ["access.released", "access.requested", "alert.announced"]
    assert not [entry for entry in entries if CANARY in repr(entry.details)]  # sealed or not


def _decoded(text: str) -> str:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
