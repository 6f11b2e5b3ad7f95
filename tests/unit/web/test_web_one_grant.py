"""One permission in full, many to find one among, and the labels that say what nobody uses."""

from dataclasses import replace
from datetime import timedelta

import pytest
from test_web_my_sharing import _form, _press
from test_web_passkeys import token_of
from web_world import Browser, World, form_with, forms_of, words_of

from broker.clock import system_clock
from broker.grants.acts import PlatformActor
from broker.grants.models import GrantCategoryRow, GrantRow
from broker.policy.terms import CategoryTerm
from broker.policy.vocabulary import ClusterState, Detail, GrantStatus

_NOBODYS = "/my-sharing/00000000-0000-7000-8000-000000000000"


def _used(world: World, grant_id: str, category: str, days_ago: int) -> None:
    """Count one use of a category, as a release does."""
    at = system_clock() - timedelta(days=days_ago)
    with world.services.database.write() as session:
        grant, part = session.get_one(GrantRow, grant_id), session.get_one(GrantCategoryRow, (grant_id, category))
        grant.use_count, grant.last_use_at, part.use_count, part.last_use_at = grant.use_count + 1, at, 1, at


def _given(world: World, grant_id: str, days_ago: int) -> None:
    with world.services.database.write() as session:
        row = session.get_one(GrantRow, grant_id)
        row.authorised_at = row.claimed_at = system_clock() - timedelta(days=days_ago)


def test_a_page_tells_everything_of_one_permission(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances", "transactions")
    words = words_of(maya.get(f"/my-sharing/{grant_id}"))
    for told in (
        "Messenger and Harbor Bank",
        "Your balances",
        "Everyday money ••7803",
        "What exactly",
        "Looks back</dt><dd>60 days",
        "promised to delete what it receives within 30 days",
        "You allowed Messenger to see data at Harbor Bank",
        "/history/receipts/harbor/",
        f"grant={grant_id}",
        "It already lasts as long as you agreed.",
    ):
        assert told in words
    (row,) = maya.json(f"/my-sharing/{grant_id}")
    assert (row["grant_id"], row["status"]) == (grant_id, "ACTIVE")


def test_exactly_the_fields_that_were_agreed_to_are_named(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "transactions")
    category = world.services.catalogue.categories["transactions"]
    agreed = [field.label for field in category.fields_in(CategoryTerm("transactions", Detail.BASIC))]
    more = [field.label for field in category.fields_in(CategoryTerm("transactions", Detail.DETAIL))]
    words = words_of(maya.get(f"/my-sharing/{grant_id}"))
    assert all(f"<li>{label}</li>" in words for label in agreed)
    assert not any(f"<li>{label}</li>" in words for label in set(more) - set(agreed))


def test_a_foreign_an_unknown_and_an_undecided_permission_look_alike(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances")
    proposed = world.proposes()
    other = world.browser()
    other.signs_in_to_consent(sub="hb-2", name="Noah")

    def seen(browser: Browser, path: str) -> tuple[int, object]:
        answer = browser.get(path, Accept="application/json")
        return answer.status_code, {name: value for name, value in answer.json.items() if name != "instance"}

    unknown = seen(other, _NOBODYS)
    assert unknown[0] == 404
    assert seen(other, f"/my-sharing/{grant_id}") == unknown == seen(maya, f"/my-sharing/{proposed}")
    assert seen(other, f"/my-sharing/{grant_id}/renew") == unknown == seen(other, f"{_NOBODYS}/renew")
    assert maya.get(f"/my-sharing/{grant_id}").status_code == 200


def test_buttons_of_the_page_lead_back_to_it(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances", "transactions")
    page = maya.get(f"/my-sharing/{grant_id}")
    form = next(form for form in forms_of(page) if form.holds(grant=grant_id, category="balances", back="grant"))
    asked = maya.submit(form, ("action", "revoke"))
    assert f'href="/my-sharing/{grant_id}"' in asked.text
    answer = maya.submit(form_with(asked, "confirm"), ("confirm", "yes"))
    assert answer.location == f"/my-sharing/{grant_id}?done=revoke"
    words = words_of(maya.get(answer.location))
    assert "Messenger can no longer see your balances. It holds from now on." in words
    assert "You stopped sharing your balances with Messenger" in words


def test_versions_say_what_each_changed(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances")
    assert "Versions" not in maya.get(f"/my-sharing/{grant_id}").text
    change = world.asks_to_change(grant_id, CategoryTerm("transactions", Detail.DETAIL))
    form = form_with(maya.get(f"/consent/{change}"), "decision")
    picks = [("account", ref) for ref in form.values("account")][:1]
    maya.submit(form, ("category", "balances"), ("category", "transactions"), *picks, ("decision", "approve"))
    words = words_of(maya.get(f"/my-sharing/{grant_id}"))
    for told in ("Version 2", "New: your transactions", "One account less", "Version 1", "What you agreed to at first"):
        assert told in words


@pytest.mark.parametrize(
    ("given", "used", "told", "not_told"),
    [
        (89, None, ["Never used"], ["Not used for 90 days"]),
        (90, None, ["Never used", "Do you still need it?"], []),
        (200, 89, ["Used once"], ["Not used for 90 days", "Do you still need it?"]),
        (200, 90, ["Not used for 90 days", "Do you still need it?"], []),
    ],
)
def test_what_nobody_uses_is_said_to_the_day(
    world: World, maya: Browser, given: int, used: int | None, told: list[str], not_told: list[str]
) -> None:
    grant_id = world.shares(maya, "balances")
    _given(world, grant_id, given)
    if used is not None:
        _used(world, grant_id, "balances", used)
    for path in ("/my-sharing", f"/my-sharing/{grant_id}"):
        words = words_of(maya.get(path))
        assert all(text in words for text in told)
        assert not any(text in words for text in not_told)


def test_labels_stand_at_the_very_category_that_nobody_uses(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances", "transactions")
    _given(world, grant_id, 200)
    _used(world, grant_id, "balances", 3)
    words = words_of(maya.get(f"/my-sharing/{grant_id}"))
    assert words.count('<span class="tag idle">Never used</span>') == 1
    assert "Do you still need it?" not in words


def test_endings_are_never_mixed_up(world: World, maya: Browser) -> None:
    by_me = world.shares(maya, "balances")
    _press(maya, "revoke", grant=by_me)
    by_app = world.shares(maya, "balances")
    world.services.grants.give_back(PlatformActor("messenger", "i"), by_app)
    refused = world.proposes()
    maya.submit(form_with(maya.get(f"/consent/{refused}"), "decision"), ("decision", "deny"))
    over = world.shares(maya, "balances")
    with world.services.database.write() as session:
        row = session.get_one(GrantRow, over)
        row.claimed_at, row.expires_at = row.authorised_at, system_clock() - timedelta(days=1)
    for state, grant_id, words in (
        ("you", by_me, "Stopped by you"),
        ("app", by_app, "Given back by the app"),
        ("refused", refused, "Refused by you"),
        ("time", over, "Ran out"),
    ):
        page = maya.get(f"/my-sharing?state=ended-{state}").text
        assert words in page
        shown = [one for one in (by_me, by_app, refused, over) if f"/my-sharing/{one}" in page]
        assert shown == [grant_id]


def test_search_looks_in_names_of_apps_banks_accounts_and_categories(world: World, maya: Browser) -> None:
    first = world.shares(maya, "balances")
    second = world.proposes(platform="ledgerly")
    form = form_with(maya.get(f"/consent/{second}"), "decision")
    picks = [("account", ref) for ref in form.values("account")][:1]
    maya.submit(form, ("category", "transactions"), *picks, ("decision", "approve"))
    for query, shown in (
        ("q=MESSENGER", [first]),
        ("q=ledger", [second]),
        ("q=harbor", [first, second]),
        ("q=balances+summer", [first]),
        ("q=transactions", [second]),
        ("q=xyz", []),
        ("app=ledgerly", [second]),
        ("bank=meridian", []),
        ("state=on&app=messenger", [first]),
        ("state=paused", []),
        ("state=unused", [first, second]),
        ("state=soon", []),
        ("state=off", []),
    ):
        page = maya.get(f"/my-sharing?{query}")
        assert [one for one in (first, second) if f'id="grant-{one}"' in page.text] == shown, query
    assert "No permission fits" in maya.get("/my-sharing?q=xyz").text


@pytest.mark.parametrize("query", ["state=odd", "page=0", "page=x", "q=" + "x" * 101, "app=a&app=b", "q=%00"])
def test_a_query_that_cannot_be_read_is_refused(maya: Browser, query: str) -> None:
    assert maya.get(f"/my-sharing?{query}").status_code == 400


def test_very_many_permissions_come_a_page_at_a_time(world: World, maya: Browser) -> None:
    for _ in range(21):
        _press_all(world, maya)
    first, last = maya.get("/my-sharing"), maya.get("/my-sharing?page=99")
    assert "Page 1 of 2" in first.text
    assert "Page 2 of 2" in last.text
    assert (first.text.count('<li class="card">'), last.text.count('<li class="card">')) == (20, 1)
    assert "page=2" in first.text


def _press_all(world: World, browser: Browser) -> None:
    refused = world.proposes()
    browser.submit(form_with(browser.get(f"/consent/{refused}"), "decision"), ("decision", "deny"))


def test_all_permissions_of_one_app_stop_and_those_of_another_go_on(world: World, maya: Browser) -> None:
    two = [world.shares(maya, "balances"), world.shares(maya, "transactions")]
    other = world.proposes(platform="ledgerly")
    form = form_with(maya.get(f"/consent/{other}"), "decision")
    maya.submit(form, ("category", "balances"), ("account", form.values("account")[0]), ("decision", "approve"))
    asked = maya.submit(_form(maya, grant="all", platform="messenger"), ("action", "revoke"))
    words = words_of(asked)
    assert "Stop sharing your bank data with Messenger?" in words
    assert words.count("<li><strong>Messenger</strong>") == 2
    answer = maya.submit(form_with(asked, "confirm"), ("confirm", "yes"))
    assert answer.status_code == 303
    assert {world.grant(one).status for one in two} == {GrantStatus.REVOKED}
    assert world.grant(other).status is GrantStatus.ACTIVE


@pytest.mark.parametrize(("action", "state"), [("pause", GrantStatus.PAUSED), ("resume", GrantStatus.ACTIVE)])
def test_all_permissions_of_one_app_pause_and_resume(
    world: World, maya: Browser, action: str, state: GrantStatus
) -> None:
    two = [world.shares(maya, "balances"), world.shares(maya, "transactions")]
    if action == "resume":
        _press(maya, "pause", grant="all", platform="messenger")
    _press(maya, action, grant="all", platform="messenger")
    assert {world.grant(one).status for one in two} == {state}
    assert world.grant(two[0]).category("balances").state is ClusterState.ACTIVE  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("changed", "status"),
    [({"platform": "nobody"}, 404), ({"platform": ""}, 400), ({"platform": "x" * 65}, 400), ({"back": "evil"}, 400)],
)
def test_a_forged_app_stops_nothing(world: World, maya: Browser, changed: dict[str, str], status: int) -> None:
    grant_id = world.shares(maya, "balances")
    token = token_of(maya.get("/my-sharing"))
    fields = {"grant": "all", "platform": "messenger", "action": "revoke", "confirm": "yes", **changed}
    assert maya.post("/my-sharing", [token, *fields.items()]).status_code == status
    assert world.grant(grant_id).status is GrantStatus.ACTIVE


def test_two_clicks_on_the_home_page_stop_a_permission(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances")
    home = maya.get("/")
    form = next(form for form in forms_of(home) if form.holds(grant=grant_id, back="home"))
    asked = maya.submit(form, ("action", "revoke"))
    answer = maya.submit(form_with(asked, "confirm"), ("confirm", "yes"))
    assert (answer.location, world.grant(grant_id).status) == ("/my-sharing?done=revoke", GrantStatus.REVOKED)
    assert "You share nothing at the moment" in maya.get("/").text


def test_the_home_page_says_what_of_a_permission_rests(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances", "transactions")
    _press(maya, "pause", grant=grant_id, category="balances")
    home = words_of(maya.get("/"))
    assert 'your balances <span class="tag paused">Paused</span>, your transactions</p>' in home


def test_the_home_page_shows_nobodys_permissions_to_a_stranger_or_to_staff(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances")
    staff = world.browser()
    staff.signs_in_as_staff()
    for browser in (world.browser(), staff):
        page = browser.get("/").text
        assert grant_id not in page
        assert "Messenger" not in page


def test_a_hostile_name_stays_a_name(world: World, maya: Browser) -> None:
    asked = world.proposes(replace(world.terms(), bank="harbor"), platform="ledgerly")
    form = form_with(maya.get(f"/consent/{asked}"), "decision")
    maya.submit(form, ("category", "balances"), ("account", form.values("account")[0]), ("decision", "approve"))
    for path in ("/", "/my-sharing", f"/my-sharing/{asked}"):
        page = maya.get(path).text
        assert "<b>Ledgerly" not in page
        assert "&lt;b&gt;Ledgerly&lt;/b&gt;" in page
