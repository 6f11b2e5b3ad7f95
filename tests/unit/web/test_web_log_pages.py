"""Access history and bank console: the same rows, each for those whom they concern."""

import contextlib
import re

import pytest
from structlog.testing import capture_logs
from web_world import Browser, World, forms_of, words_of

from broker.errors import ReleaseRefused
from broker.harvest.holds import place
from broker.harvest.tallies import Reading
from broker.policy.harvest import Budget, Counter, Room, Span

NAMES = {
    "grant_id",
    "status",
    "interaction_id",
    "event",
    "category",
    "platform",
    "time",
    "decision",
    "reason",
    "records",
}


def test_history_tells_a_refused_access_and_why(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances")
    with contextlib.suppress(ReleaseRefused):
        world.reads(grant_id, "transactions")
    words = words_of(maya.get("/history"))
    assert "Messenger asked to see your transactions and got nothing" in words
    assert "you did not allow this kind of data" in words
    row = maya.json("/history")[0]
    assert row.keys() >= NAMES
    assert (row["event"], row["decision"], row["reason"]) == ("access.refused", "refused", "category-not-granted")
    assert (row["grant_id"], row["status"], row["category"]) == (grant_id, "ACTIVE", "transactions")


def test_history_tells_every_step_of_a_consent(world: World, maya: Browser) -> None:
    world.shares(maya, "balances")
    events = [row["event"] for row in maya.json("/history")]
    assert events == ["grant.approved", "accounts.listed", "accounts.listed", "grant.proposed"]


def test_history_calls_an_account_as_the_person_does_whichever_id_the_log_has(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "accounts")
    world.reads(grant_id, "accounts")  # its entries have the bank's ids, that of the approval the platform's
    answer = maya.get("/history")
    assert words_of(answer).count("Everyday money ••7803, Summer fund ••1302") == 2
    own_ids = [account.account_id for account in world.grant(grant_id).accounts]
    assert not [ref for ref in ("a-1", *own_ids) if f">{ref}" in answer.text or f" {ref}" in words_of(answer)]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("decision=refused", 1),
        ("decision=allowed&category=accounts", 2),
        ("platform=messenger", 5),
        ("platform=nobody", 0),
        ("held_by=meridian", 0),
        ("category=", 5),
        ("before=0:0:x", 0),
    ],
)
def test_history_is_filtered(world: World, maya: Browser, query: str, count: int) -> None:
    grant_id = world.shares(maya, "balances")
    with contextlib.suppress(ReleaseRefused):
        world.reads(grant_id, "transactions")
    assert len(maya.json(f"/history?{query}")) == count
    assert maya.get(f"/history?{query}").status_code == 200


def test_the_link_of_a_permission_leads_to_what_was_done_under_it_alone(world: World, maya: Browser) -> None:
    one, other = world.shares(maya, "balances"), world.shares(maya, "balances")
    path = f"/history?grant={one}"
    for page in ("/my-sharing", f"/my-sharing/{one}"):
        assert path in maya.get(page).text
    assert {row["grant_id"] for row in maya.json("/history")} == {one, other}
    assert {row["grant_id"] for row in maya.json(path)} == {one}
    page = maya.get(path)
    assert "You see one permission alone: Messenger, Harbor Bank" in words_of(page)
    assert dict(forms_of(page)[0].fields)["grant"] == one  # another filter keeps it
    assert maya.json("/history?grant=nobodys") == []


@pytest.mark.parametrize(
    "query",
    ["decision=maybe", "before=x", "before=-1", f"before={10**40}", "platform=a&platform=b", "category=" + "x" * 99],
)
def test_an_odd_filter_is_a_clear_problem(maya: Browser, query: str) -> None:
    answer = maya.get(f"/history?{query}")
    assert (answer.status_code, "invalid-request" in answer.text) == (400, True)


def test_an_odd_filter_of_the_history_is_told_beside_its_field_and_the_rest_is_kept(
    world: World, maya: Browser
) -> None:
    world.shares(maya, "balances")
    query = "/history?since=%3Cb%3Eyesterday&decision=maybe&before=x&category=balances"
    page = maya.get(query)
    form = next(form for form in forms_of(page) if form.has("held_by"))
    assert (page.status_code, form.chosen("category")) == (400, "balances")
    for said in ("“<b>yesterday” is no day that can be used", "This is none of the list", "“before” in the address"):
        assert said in words_of(page)
    assert "<b>yesterday" not in page.text
    for name in ("since", "decision"):
        assert f'href="#filter-{name}"' in page.text
        assert f'aria-describedby="filter-{name}-error"' in page.text
    assert 'class="timeline"' not in page.text
    told = maya.get(query, Accept="application/json")
    assert (told.status_code, told.json["code"]) == (400, "invalid-request")


def test_an_odd_filter_of_the_console_is_told_beside_its_field_and_the_rest_is_kept(
    world: World, maya: Browser
) -> None:
    world.shares(maya, "balances")
    audrey = world.browser()
    audrey.signs_in_as_staff()
    page = audrey.get("/console/harbor/log?until=2026-13-01&grant=" + "x" * 99 + "&platform=messenger&customer=hb-1")
    form = next(form for form in forms_of(page) if form.has("customer"))
    assert (page.status_code, form.chosen("platform"), dict(form.fields)["customer"]) == (400, "messenger", "hb-1")
    assert "“2026-13-01” is no day that can be used" in words_of(page)
    assert "This is too long. Write at most 36 characters." in words_of(page)
    assert 'class="accesses"' not in page.text
    days = audrey.get("/console/harbor?days=x")
    assert (days.status_code, 'id="filter-days-error"' in days.text) == (400, True)
    assert audrey.get("/console/harbor?days=x", Accept="application/json").json["code"] == "invalid-request"


def test_an_odd_search_among_permissions_is_told_and_the_rest_counts(world: World, maya: Browser) -> None:
    world.shares(maya, "balances")
    world.shares(maya, "accounts")
    page = maya.get("/my-sharing?page=none&bank=harbor&q=" + "x" * 101)
    form = next(form for form in forms_of(page) if form.has("q"))
    assert (page.status_code, form.chosen("bank")) == (400, "harbor")
    assert 'id="filter-q-error"' in page.text
    assert "“page” in the address" in words_of(page)


def test_history_shows_nobody_elses_rows(world: World, maya: Browser) -> None:
    world.shares(maya, "balances")
    other = world.browser()
    other.signs_in(sub="hb-2", name="Noah")
    assert other.json("/history") == []


def test_the_console_shows_the_banks_own_rows(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances")
    with contextlib.suppress(ReleaseRefused):
        world.reads(grant_id, "transactions")
    audrey = world.browser()
    audrey.signs_in_as_staff()
    rows = audrey.json("/console/harbor/log")
    assert len(rows) == 5
    assert rows[0].keys() >= NAMES | {"customer"}
    assert {row["customer"] for row in rows} == {"hb-1"}
    page = audrey.get("/console/harbor/log?event=access.refused")
    assert "the customer did not allow this kind of data" in page.text
    assert page.text.count('<tr class="') == 1


def test_the_console_of_another_bank_is_closed(world: World) -> None:
    audrey = world.browser()
    audrey.signs_in_as_staff()
    for path in ("/console/meridian", "/console/nobody"):
        answer = audrey.get(path)
        assert (answer.status_code, "not-permitted" in answer.text) == (403, True)


def test_a_customer_does_not_get_into_the_console(maya: Browser) -> None:
    assert maya.get("/console/harbor").location == "/sign-in/staff/harbor"
    assert maya.get("/console/harbor", Accept="application/json").status_code == 401


def test_staff_do_not_get_into_customers_pages(world: World) -> None:
    audrey = world.browser()
    audrey.signs_in_as_staff()
    for path in ("/my-sharing", "/history"):
        assert audrey.get(path, Accept="application/json").status_code == 403
        page = audrey.get(path)
        assert page.status_code == 403
        assert ("signed in as staff of Harbor Bank" in page.text, 'form="sign-out"' in page.text) == (True, True)
        assert ('href="/console/harbor"' in page.text, "/sign-in" in page.text) == (True, False)
    sign_in = audrey.get("/sign-in?next=/my-sharing").text
    assert ("signed in as staff of Harbor Bank" in sign_in, "that ends your sign-in as staff" in sign_in) == (
        True,
        True,
    )


def test_open_pages_answer_anybody(world: World) -> None:
    browser = world.browser()
    for path in ("/", "/about/data", "/console", "/sign-in", "/static/broker.css"):
        assert browser.get(path).status_code == 200
    assert "Targeted advertising" in browser.get("/about/data").text


def test_no_page_has_a_script_or_a_style_of_its_own(world: World, maya: Browser) -> None:
    grant_id = world.proposes()
    for path in ("/", "/my-sharing", "/history", f"/consent/{grant_id}", "/sign-in", "/console", "/nothing"):
        text = maya.get(path).text.lower()
        assert not re.findall('<script(?! defer src="/static/[^"]+"></script>)', text)
        assert " style=" not in text
        assert "<style" not in text


def test_older_rows_follow_without_gap_or_repetition(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "accounts")
    for _ in range(110):
        world.reads(grant_id, "accounts")
    seen: list[tuple[str, int]] = []
    path: str | None = "/history"
    while path:
        answer = maya.get(path, Accept="application/json")
        seen += [(row["log"], row["number"]) for row in answer.json]
        link = answer.headers.get("Link")
        path = link.split(">")[0].removeprefix("<").removeprefix(world.services.settings.base_url) if link else None
    assert len(seen) == len(set(seen)) == 4 + 2 * 110
    assert [number for _, number in seen] == sorted((number for _, number in seen), reverse=True)


def test_the_console_says_on_top_who_was_stopped_by_harvest_limits(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "accounts")
    world.reads(grant_id, "accounts")
    audrey = world.browser()
    audrey.signs_in_as_staff()
    assert "Stopped by harvest limits" not in words_of(audrey.get("/console/harbor"))
    now = world.services.clock()
    reading = Reading("messenger", "accounts", "harbor", "user-1", now, now)
    with capture_logs():
        place(world.services.sequencer, Room(Budget(Counter.AFTER_A_MONTH, Span.DAY, 15, 60), 15, 15), reading)
    words = words_of(audrey.get("/console/harbor"))
    assert "Stopped by harvest limits" in words
    assert "gets no “Your account names” since" in words
    assert "Customers who share it now" in words
    assert "App stopped: it read more than is ordinary" in words_of(audrey.get("/console/harbor/log"))
