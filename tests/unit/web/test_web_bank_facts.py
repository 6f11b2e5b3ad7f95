"""What the bank offers: staff look, administrators change it within the file, after they have seen what it would do."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import text
from web_world import ADMIN, Browser, World, form_with, words_of
from werkzeug.test import TestResponse

from broker.audit import reader
from broker.audit.reader import LoggedEntry
from broker.errors import ReleaseRefused
from broker.policy.terms import CategoryTerm

PAGE = "/console/harbor/facts"


@pytest.fixture
def ada(world: World) -> Browser:
    browser = world.browser()
    browser.signs_in_as_staff(**ADMIN)
    return browser


def fills_in(browser: Browser, *without: str, reason: str = "Our terms changed", **others: str) -> TestResponse:
    """Send the page's form as it stands, without these ticks and with other values."""
    form = form_with(browser.get(PAGE), "maximum_lookback_days")
    fields = [(name, others.pop(name, value)) for name, value in form.fields]
    ticks = [(name, value) for name, value in form.ticked if value not in without]
    return browser.post(PAGE, [*fields, *ticks, ("reason", reason), *others.items()])


def confirms(browser: Browser, preview: TestResponse) -> TestResponse:
    return browser.submit(form_with(preview, "confirm"), ("confirm", "yes"))


def newest(world: World) -> LoggedEntry:
    with world.services.database.read() as session:
        return reader.of_bank(session, world.services.sealer, "harbor", reader.Page(1))[0]


def test_a_change_is_previewed_with_its_live_permissions_and_counts_at_once(
    world: World, ada: Browser, maya: Browser
) -> None:
    grant_id = world.shares(maya, "accounts", "transactions")
    world.shares(maya, "balances")
    preview = fills_in(ada, "transactions", maximum_lookback_days="30", maximum_duration_days="100")
    words = words_of(preview)
    assert "“Your transactions”: no app gets it any more. It stops for 1 live permission." in words
    assert "365 becomes 30. It counts at once, and makes a difference for 2 live permissions." in words
    assert "365 becomes 100. It counts for new permissions" in words
    assert "touches <strong>2</strong> of 2 live permissions" in words
    assert ada.json(PAGE)["version"] == 0
    answer = confirms(ada, preview)
    assert (answer.status_code, answer.location) == (303, PAGE)
    with pytest.raises(ReleaseRefused, match="category-off"):
        world.reads(grant_id, "transactions")
    page = words_of(ada.get(PAGE))
    assert "Changed. It counts from now on" in page
    assert "Version 1" in page
    assert "by Ada Min: Our terms changed" in page


def test_the_entry_tells_the_difference_openly_and_who_and_why_under_seal(world: World, ada: Browser) -> None:
    before = world.services.catalogue.digest
    confirms(ada, fills_in(ada, "transactions", maximum_lookback_days="30"))
    entry = newest(world)
    with world.services.database.read() as session:
        query = text("SELECT leaf FROM audit_entries WHERE log = :log AND number = :number")
        leaf = bytes(session.execute(query, {"log": entry.log, "number": entry.number}).scalar_one())
    assert entry.event.value == "policy.changed"
    assert len(leaf) <= 1024
    told = json.loads(leaf)
    assert told["policyChange"] == {
        "files": before,
        "before": before,
        "version": 1,
        "facts": {"categories": ["-transactions"], "maximumLookbackDays": [365, 30]},
    }
    assert told["policy"] == ada.json(PAGE)["policy"] != before
    assert b"Ada" not in leaf
    assert entry.details["author"] == "Ada Min"
    assert entry.details["reason"] == "Our terms changed"


def test_an_auditor_looks_and_changes_nothing(world: World) -> None:
    audrey = world.browser()
    audrey.signs_in_as_staff()
    page = audrey.get(PAGE)
    assert (page.status_code, "Only administrators" in page.text, 'type="number"' in page.text) == (200, True, False)
    token = form_with(page, "csrf_token").fields[0]
    answer = audrey.post(PAGE, [token, ("version", "0"), ("confirm", "yes")])
    assert (answer.status_code, "Only administrators" in words_of(answer)) == (403, True)
    assert audrey.json(PAGE)["version"] == 0


def test_staff_of_another_bank_and_customers_are_turned_away(ada: Browser, maya: Browser) -> None:
    assert ada.get("/console/meridian/facts").status_code == 403
    assert maya.get(PAGE).status_code in {303, 401}


@pytest.mark.parametrize(
    ("without", "others", "told"),
    [
        ((), {"category": "thoughts"}, "more than the policies of the operator allow"),
        ((), {"maximum_lookback_days": "366"}, "more than the policies of the operator allow"),
        ((), {"joint_accounts": "yes"}, "more than the policies of the operator allow"),
        ((), {}, "Nothing would change."),
        (("accounts",), {"version": "7"}, "The facts have changed meanwhile."),
        (("accounts",), {"reason": ""}, "Give a reason of at most 500"),
        (("accounts",), {"reason": "x" * 501}, "Give a reason of at most 500"),
        (("accounts",), {"reason": "hidden\u202ewords"}, "Give a reason of at most 500"),
        (("accounts",), {"reason": " \n\t "}, "Give a reason of at most 500"),
        (("accounts",), {"maximum_lookback_days": "0"}, "Furthest history, in days: write a whole number"),
        (("accounts",), {"maximum_lookback_days": "1e9"}, "Furthest history, in days: write a whole number"),
        (("accounts",), {"version": str(1 << 40)}, "Not done yet"),
    ],
)
@pytest.mark.parametrize("is_confirmed", [False, True])
def test_a_form_that_cannot_be_meant_changes_nothing(
    ada: Browser, without: tuple[str, ...], others: dict[str, str], told: str, is_confirmed: bool
) -> None:
    answer = fills_in(ada, *without, **others, **({"confirm": "yes"} if is_confirmed else {}))
    assert (answer.status_code, told in words_of(answer)) == (422, True)
    assert form_with(answer, "maximum_lookback_days").has("version")
    assert ada.json(PAGE)["version"] == 0


def test_what_was_written_into_a_form_with_a_mistake_is_kept(ada: Browser) -> None:
    answer = fills_in(ada, "accounts", maximum_lookback_days="0", maximum_duration_days="100", reason="<b>Why</b>")
    again = form_with(answer, "maximum_lookback_days")
    assert dict(again.fields)["maximum_duration_days"] == "100"
    assert ("category", "accounts") not in again.ticked
    assert "&lt;b&gt;Why&lt;/b&gt;</textarea>" in answer.text
    assert '<a href="#maximum_lookback_days">' in answer.text


def test_of_two_administrators_the_second_looks_again(ada: Browser) -> None:
    first, second = fills_in(ada, "accounts"), fills_in(ada, "balances")
    confirms(ada, first)
    answer = confirms(ada, second)
    assert (answer.status_code, "The facts have changed meanwhile." in answer.text) == (422, True)
    again = form_with(answer, "maximum_lookback_days")
    assert ("category", "accounts") not in again.ticked
    assert ("category", "balances") in again.ticked
    assert ">Our terms changed</textarea>" in answer.text
    assert ada.json(PAGE)["version"] == 1


def test_a_reason_is_shown_as_text(ada: Browser) -> None:
    preview = fills_in(ada, "accounts", reason="<script>alert(1)</script>")
    confirms(ada, preview)
    assert "<script>alert" not in preview.text + ada.get(PAGE).text


def test_a_reason_that_no_database_takes_is_refused_before_anything_is_looked_up(ada: Browser) -> None:
    for confirm in ({}, {"confirm": "yes"}):
        answer = fills_in(ada, reason="Our\0terms", maximum_lookback_days="30", **confirm)
        assert answer.status_code == 422
    assert ada.json(PAGE)["version"] == 0


def test_those_whom_a_change_touches_find_it_in_their_history_and_nobody_else(
    world: World, ada: Browser, maya: Browser
) -> None:
    grant_id = world.shares(maya, "accounts", "transactions")
    noah = world.browser()
    noah.signs_in_to_consent(sub="hb-2", name="Noah Becker")
    other = world.shares(noah, "accounts")
    world.later += timedelta(seconds=1)
    confirms(ada, fills_in(ada, "transactions", maximum_duration_days="100"))
    row = maya.json("/history")[0]
    assert (row["event"], row["reason"], row["initiator"]) == ("policy.changed", "bank-facts", "DATA_PROVIDER")
    for path in ("/history", f"/my-sharing/{grant_id}"):
        words = words_of(maya.get(path))
        assert "Harbor Bank changed what it shares with apps" in words, path
        assert "“Your transactions” is not shared any more" in words, path
        assert "Ada Min" not in words
        assert "Our terms changed" not in words, "it is the bank's own"
    assert "Your bank, Harbor Bank" in words_of(maya.get("/history"))
    own = f"/history/entries/{'/'.join(row['log'].split('/')[-2:])}/{row['number']}"
    assert "Verified" in words_of(maya.get(own))
    assert noah.get(own).status_code == 404
    for path in ("/history", f"/my-sharing/{other}"):
        assert "changed what it shares" not in words_of(noah.get(path)), path
    world.later += timedelta(seconds=1)
    confirms(ada, fills_in(ada, maximum_lookback_days="30", maximum_frequency_per_day="1"))
    for browser in (maya, noah):
        assert "apps see at most 30 days back, before 365 days" in words_of(browser.get("/history"))


def test_a_change_before_a_permission_was_given_is_not_in_its_history(
    world: World, ada: Browser, maya: Browser
) -> None:
    confirms(ada, fills_in(ada, "transactions"))
    world.later += timedelta(seconds=1)
    world.shares(maya, "accounts", terms=world.terms(CategoryTerm("accounts")))
    assert "policy.changed" not in {row["event"] for row in maya.json("/history")}
