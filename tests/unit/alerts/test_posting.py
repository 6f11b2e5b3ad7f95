"""What a bank posts: who is told of an alert, who is not, what the bank learns, and what the log says of it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from broker.audit.reader import LoggedEntry, Page, of_user
from broker.banks.service import Bank, add
from broker.errors import LogUnavailable
from broker.events.vocabulary import EventType
from broker.grants.service import Part
from broker.switches.service import Hand, Switches
from broker.switches.views import Side, Target
from tests.support.alerted import CATEGORY, SCOPE, Scene
from tests.support.core import DATA, House


@pytest.fixture
def scene(house: House) -> Scene:
    return Scene(house)


def newest(scene: Scene) -> LoggedEntry:
    with scene.house.database.read() as session:
        return of_user(session, scene.house.sealer, scene.house.alice.user_id, Page(1))[0]


def test_a_platform_with_a_grant_is_told_an_id_and_nothing_else(scene: Scene) -> None:
    grant = scene.grants()
    assert scene.posts() == 1
    (told,) = scene.told()
    assert told.keys() == {"alert_id", "grant_id", "sequence", "occurred_at"}
    assert (told["grant_id"], told["occurred_at"]) == (grant, "2026-11-22T12:00:00Z")
    assert "fa-1" not in told["alert_id"]


def test_an_announcement_stands_in_the_banks_log_with_its_ids_as_details(scene: Scene) -> None:
    grant = scene.grants()
    scene.posts()
    entry = newest(scene)
    assert (entry.event, entry.decision, entry.grant_id) == ("alert.announced", "allowed", grant)
    assert (entry.category, entry.initiator, entry.accounts) == (CATEGORY, "DATA_PROVIDER", 1)
    assert (entry.details["alert"], entry.details["accounts"]) == ("fa-1", ["ref-1"])
    leaf = scene.leaves()
    assert b"alert.announced" in leaf
    assert not [word for word in (b"fa-1", b"ref-1", b"sub-alice") if word in leaf]


def test_a_customer_without_a_grant_and_a_stranger_are_answered_and_logged_alike(scene: Scene) -> None:
    scene.house.signs_in("sub-bob")
    assert scene.posts(subject="sub-bob") == scene.posts(subject="sub-nobody") == "alert-not-granted"
    knows, knows_not = scene.house.log()[-2:]
    assert {knows.event, knows_not.event} == {"alert.refused"}
    assert knows.subject is knows_not.subject is None
    assert knows.details == knows_not.details == {}
    assert scene.told() == []


@pytest.mark.parametrize(
    ("account", "categories"),
    [("ref-2", None), ("ref-9", None), ("ref-1", DATA)],
    ids=["not shared", "unknown", "no alerts"],
)
def test_without_a_grant_about_the_account_nobody_is_told(
    scene: Scene, account: str, categories: tuple[str, ...] | None
) -> None:
    if categories is None:
        scene.grants("acc-1")
    else:
        scene.house.approved(categories)
    assert scene.posts(account=account) == "alert-not-granted"
    assert scene.told() == []


@pytest.mark.parametrize(
    ("part", "code"),
    [
        (Part(), "grant-paused"),
        (Part(category=CATEGORY), "category-paused"),
        (Part(account_id="acc-1"), "account-not-granted"),
    ],
)
def test_while_a_grant_rests_nobody_is_told_and_after_it_the_same_alert_can_be_posted(
    scene: Scene, part: Part, code: str
) -> None:
    grant = scene.grants("acc-1", "acc-2")
    scene.house.grants.pause(scene.house.alice, grant, part)
    assert scene.posts() == code
    assert (newest(scene).event, newest(scene).reasons) == ("alert.refused", (code,))
    assert scene.told() == []
    scene.house.grants.resume(scene.house.alice, grant, part)
    assert scene.posts() == 1


@pytest.mark.parametrize("part", [Part(), Part(category=CATEGORY), Part(account_id="acc-1")])
def test_what_a_person_has_ended_is_as_if_it_had_never_been(scene: Scene, part: Part) -> None:
    grant = scene.grants("acc-1", "acc-2")
    scene.house.grants.revoke(scene.house.alice, grant, part)
    assert scene.posts() == "alert-not-granted"
    assert newest(scene).event != "alert.refused"
    assert scene.told() == []


def test_an_expired_grant_tells_nobody(scene: Scene) -> None:
    scene.grants()
    scene.house.watch.passes(days=91)
    assert scene.posts() == "alert-not-granted"


def test_what_is_switched_off_is_announced_to_nobody(scene: Scene) -> None:
    house = scene.house
    scene.grants()
    with house.database.write() as session:
        url = "https://harbor.example"
        add(session, Bank("harbor", "Harbor Bank", "fdx", url, url, "broker", "openid"), house.watch())
    switches = Switches(house.sequencer, house.catalogue, house.sealer, house.watch)
    switches.turn_off(
        Hand(Side.BANK, "sub-staff", "harbor"), Target("harbor", category=CATEGORY), "A fault in our alerts."
    )
    assert scene.posts() == "category-off"
    assert scene.told() == []


def test_a_platform_that_is_held_is_not_told(scene: Scene) -> None:
    scene.grants()
    scene.house.runs(
        "INSERT INTO holds (id, platform_id, category, budget, counted, ceiling, placed_at) "
        "VALUES ('1', 'messenger', 'fraud_alerts', 'people-day', 2, 1, '2026-11-22 11:00:00')"
    )
    assert scene.posts() == "harvest-hold"


def test_an_alert_that_is_posted_twice_is_announced_once(scene: Scene) -> None:
    scene.grants()
    assert [scene.posts(), scene.posts(), scene.posts("fa-2")] == [1, 0, 1]
    assert len(scene.told()) == 2
    assert scene.house.events(2) == ["alert.announced", "alert.announced"]


def test_of_many_posts_of_one_alert_at_once_one_announces_it(scene: Scene) -> None:
    scene.grants()
    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(lambda _: scene.posts(), range(8))) == [0] * 7 + [1]
    assert len(scene.told()) == 1


def test_each_permission_has_an_id_of_its_own(scene: Scene) -> None:
    scene.grants()
    scene.grants()
    assert scene.posts() == 2
    first, second = scene.told()
    assert first["alert_id"] != second["alert_id"]
    assert len(first["alert_id"]) == len(second["alert_id"])


@pytest.mark.parametrize("told", [{"requested": []}, {"status": "disabled"}, None])
def test_where_nobody_listens_the_bank_is_told_so_and_may_post_again(
    house: House, told: dict[str, object] | None
) -> None:
    scene = Scene(house)
    house.runs("DELETE FROM event_streams")
    if told is not None:
        scene.listens(**told)
    scene.grants()
    assert scene.posts() == "alert-not-heard"
    assert (newest(scene).event, newest(scene).reasons) == ("alert.refused", ("alert-not-heard",))
    house.runs("DELETE FROM event_streams")
    scene.listens(requested=[EventType.FRAUD_ALERT.value])
    assert scene.posts() == 1


def test_one_who_may_not_know_does_not_keep_it_from_another(scene: Scene) -> None:
    resting = scene.grants()
    scene.grants()
    scene.house.grants.pause(scene.house.alice, resting, Part())
    assert scene.posts() == 1
    assert sorted(scene.house.events(2)) == ["alert.announced", "alert.refused"]


def test_no_bank_posts_for_another_banks_customers(scene: Scene) -> None:
    house = scene.house
    bob = replace(house.alice, user_id=house.signs_in("sub-bob", "meridian").user_id)
    scene.grants(bank="meridian", actor=bob)
    scene.grants(bank="meridian")  # Alice is a customer of both, and only that bank's alerts are shared
    assert scene.posts(subject="sub-bob") == scene.posts() == "alert-not-granted"
    refused = [entry for entry in scene.house.log() if entry.event == "alert.refused"]
    assert [(entry.bank_id, entry.subject) for entry in refused] == [("harbor", None)] * 2
    assert scene.told() == []


def test_a_client_that_acts_for_no_bank_posts_nothing(scene: Scene) -> None:
    scene.grants()
    assert scene.posts(client="messenger") == scene.posts(client="nobody") == "scope-missing"
    assert SCOPE == "fraud_alerts.push"


def test_an_alert_is_young_and_has_happened(scene: Scene) -> None:
    scene.grants()
    now = scene.house.watch()
    assert scene.posts(occurred_at=now - timedelta(days=7, seconds=1)) == "invalid-request"
    assert scene.posts(occurred_at=now + timedelta(seconds=61)) == "invalid-request"
    assert scene.posts(occurred_at=now - timedelta(days=7)) == 1


def test_a_bank_posts_so_many_a_minute_and_no_more(house: House) -> None:
    scene = Scene(house, most_a_minute=3)
    scene.grants()
    posted = [scene.posts("fa-1"), scene.posts("fa-2", subject="sub-nobody"), scene.posts("fa-3"), scene.posts("fa-4")]
    assert posted == [1, "alert-not-granted", 1, "alerts-too-many"]
    assert len(scene.told()) == 2
    house.watch.passes(minutes=1)
    assert scene.posts("fa-4") == 1


@pytest.mark.parametrize("event", ["alert.announced", "alert.refused"])
def test_without_a_log_nobody_is_told_and_it_can_be_posted_again(scene: Scene, event: str) -> None:
    grant = scene.grants()
    if event == "alert.refused":
        scene.house.grants.pause(scene.house.alice, grant, Part())
    scene.house.breaks_log_at(event)
    assert scene.posts() == LogUnavailable.code
    assert scene.told() == []
    scene.house.mends_log()
    assert scene.posts() == (1 if event == "alert.announced" else "grant-paused")
