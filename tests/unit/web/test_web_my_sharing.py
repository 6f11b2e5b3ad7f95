"""My sharing: what is shown of each grant, and that every button does what it says, after asking."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import event
from test_web_passkeys import token_of
from web_world import Browser, Form, World, form_with, forms_of, words_of

from broker.banks import facts as bank_facts
from broker.policy.catalogue import BankFacts
from broker.policy.terms import CategoryTerm
from broker.policy.vocabulary import ClusterState, GrantStatus


def test_nothing_shared_is_said_in_words(maya: Browser) -> None:
    assert "You share nothing at the moment" in maya.get("/my-sharing").text
    assert maya.json("/my-sharing") == []


def test_a_proposal_is_no_sharing(world: World, maya: Browser) -> None:
    world.proposes()
    assert maya.json("/my-sharing") == []


def test_a_grant_is_listed_with_its_parts(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances", "transactions")
    words = words_of(maya.get("/my-sharing"))
    for text in ("Messenger", "Harbor Bank", "Your balances", "Everyday money ••7803", "Never used", "Dates, amounts"):
        assert text in words
    assert "Where your cards were used" not in words
    (row,) = maya.json("/my-sharing")
    assert (row["grant_id"], row["status"], row["platform"], row["bank"]) == (grant_id, "ACTIVE", "messenger", "harbor")
    assert [part["category"] for part in row["categories"]] == ["balances", "transactions"]
    assert row["categories"][1]["detail"] == "basic"
    assert {part["label"] for part in row["accounts"]} == {"Everyday money ••7803", "Summer fund ••1302"}


def _keeps(world: World, facts: BankFacts) -> None:
    bounds, now = world.services.catalogue.banks["harbor"], world.services.clock()
    with world.services.database.write() as session:
        bank_facts.keep(session, world.services.sealer, bounds, facts, after=0, author="Ada", reason="why", now=now)


def test_what_the_bank_has_limited_since_is_told(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances", "card_locations")
    before = words_of(maya.get("/my-sharing"))
    assert "Looks back</dt><dd>60 days" in before
    assert "has limited this" not in before
    facts = world.services.catalogue.banks["harbor"]
    left = facts.categories - {"card_locations"}
    _keeps(world, replace(facts, categories=left, maximum_lookback_days=14, maximum_frequency_per_day=2))
    words = words_of(maya.get("/my-sharing"))
    for told in (
        "Harbor Bank has limited this since you agreed",
        "“Where your cards were used” is not shared any more",
        "it looks back 14 days, not 60 days",
        "on its own up to 2 times a day, not 4",
        "Looks back</dt><dd>14 days",
    ):
        assert told in words
    assert "<dd>up to 2 times a day" in words_of(maya.get(f"/my-sharing/{grant_id}"))
    assert words.count(">Turned off<") == 1


def test_a_purpose_that_the_bank_no_longer_serves_turns_the_permission_off(world: World, maya: Browser) -> None:
    world.shares(maya, "balances")
    facts = world.services.catalogue.banks["harbor"]
    _keeps(world, replace(facts, purposes=facts.purposes - {"chat_banking"}))
    words = words_of(maya.get("/my-sharing"))
    assert "nothing is shared for this purpose any more" in words
    assert ">On<" not in words


@pytest.mark.parametrize(
    ("action", "state"), [("pause", ClusterState.PAUSED), ("revoke", ClusterState.REVOKED), ("resume", None)]
)
def test_one_category_changes_and_the_others_do_not(
    world: World, maya: Browser, action: str, state: ClusterState | None
) -> None:
    grant_id = world.shares(maya, "balances", "transactions")
    if state is None:
        _press(maya, "pause", grant=grant_id, category="balances")
    _press(maya, action, grant=grant_id, category="balances")
    states = {part.term.name: part.state for part in world.grant(grant_id).categories}
    assert states == {"balances": state or ClusterState.ACTIVE, "transactions": ClusterState.ACTIVE}


def test_one_account_can_be_stopped(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances")
    first, second = world.grant(grant_id).accounts
    _press(maya, "revoke", grant=grant_id, account=first.account_id)
    assert [a.account_id for a in world.grant(grant_id).live_accounts] == [second.account_id]


def test_a_whole_grant_is_paused_resumed_and_stopped(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances")
    for action, status in (
        ("pause", GrantStatus.PAUSED),
        ("resume", GrantStatus.ACTIVE),
        ("revoke", GrantStatus.REVOKED),
    ):
        _press(maya, action, grant=grant_id)
        assert world.grant(grant_id).status is status
    page = maya.get("/my-sharing")
    assert "Past permissions" in page.text
    assert "Never used.</p>" in page.text
    assert not any(form.has("grant") for form in forms_of(page))


def test_everything_stops_with_one_button(world: World, maya: Browser) -> None:
    first, second = world.shares(maya, "balances"), world.shares(maya, "transactions")
    _press(maya, "revoke", grant="all")
    assert {world.grant(g).status for g in (first, second)} == {GrantStatus.REVOKED}


def test_nothing_happens_before_it_is_confirmed(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances")
    page = maya.submit(_form(maya, grant=grant_id, category="balances"), ("action", "revoke"))
    words = words_of(page)
    assert page.status_code == 200
    assert "Messenger cannot see your balances any more" in words
    assert "all of it stops" in words
    assert "within 30 days" in words
    assert form_with(page, "confirm").holds(grant=grant_id, category="balances", action="revoke")
    assert world.grant(grant_id).live_categories == ("balances",)


def test_the_page_says_once_what_has_happened(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances", "transactions")
    answer = _press(maya, "revoke", grant=grant_id, category="balances")
    assert "Messenger can no longer see your balances." in maya.get(answer).text
    assert "can no longer see" not in maya.get("/my-sharing").text


def test_only_what_is_possible_has_a_button(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances", "transactions")
    assert _form(maya, grant=grant_id).buttons == [("action", "pause"), ("action", "revoke")]
    _press(maya, "pause", grant=grant_id)
    assert _form(maya, grant=grant_id).buttons == [("action", "resume"), ("action", "revoke")]
    assert "On hold" in maya.get("/my-sharing").text


def test_doing_it_twice_is_said_and_changes_nothing(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances", "transactions")
    form = _form(maya, grant=grant_id, category="balances")
    question = form_with(maya.submit(form, ("action", "revoke")), "confirm")
    assert maya.submit(question, ("confirm", "yes")).status_code == 303
    for answer in (maya.submit(question, ("confirm", "yes")), maya.submit(form, ("action", "revoke"))):
        assert (answer.status_code, "grant-unchanged" in answer.text) == (409, True)
        assert "This was stopped already. Messenger cannot see your balances any more." in words_of(answer)


def test_who_acts_on_what_has_ended_reads_that_it_has_and_finds_the_way_back(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances")
    old = [_form(maya, grant=grant_id), _form(maya, grant=grant_id, category="balances"), _form(maya, grant="all")]
    _press(maya, "revoke", grant=grant_id)
    for form, told in zip(old, ("ended already.", "ended already.", "There is nothing left to do here"), strict=True):
        answer = maya.submit(form, ("action", "pause"))
        assert (answer.status_code, told in words_of(answer)) == (409, True)
        assert 'class="button" href="/my-sharing"' in answer.text


def test_a_question_can_be_opened_again_and_after_a_sign_in(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances")
    address = f"/my-sharing/confirm?grant={grant_id}&action=revoke&category=balances&back=grant"
    for _ in range(2):
        assert form_with(maya.get(address), "confirm").holds(
            grant=grant_id, action="revoke", category="balances", back="grant"
        )
    stranger = world.browser()
    assert stranger.get(address).location == f"/sign-in?{urlencode({'next': address})}"
    assert stranger.signs_in(stranger.get(address).location).location == address
    assert world.grant(grant_id).live_categories == ("balances",)


def test_a_form_that_is_not_confirmed_leads_to_the_question(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances")
    sent = [token_of(maya.get("/my-sharing")), ("grant", grant_id), ("action", "pause")]
    assert form_with(maya.post("/my-sharing", sent), "confirm").holds(grant=grant_id, action="pause")
    assert world.grant(grant_id).status is GrantStatus.ACTIVE


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"grant": "00000000-0000-7000-8000-000000000000"}, 404),
        ({"grant": "\x00"}, 400),
        ({"category": "payments"}, 404),
        ({"category": "balances", "account": "x"}, 400),
        ({"grant": "all", "category": "balances"}, 400),
        ({"grant": "x" * 900}, 400),
        ({"action": "delete"}, 400),
        ({"confirm": "no"}, 400),
        ({"grant": ""}, 400),
    ],
)
def test_a_forged_form_changes_nothing(world: World, maya: Browser, changed: dict[str, str], status: int) -> None:
    grant_id = world.shares(maya, "balances")
    token = token_of(maya.get("/my-sharing"))
    fields = {"grant": grant_id, "action": "revoke", "confirm": "yes", **changed}
    assert maya.post("/my-sharing", [token, *fields.items()]).status_code == status
    assert world.grant(grant_id).status is GrantStatus.ACTIVE


def test_another_persons_grant_cannot_be_touched(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances")
    other = world.browser()
    other.signs_in_to_consent(sub="hb-2", name="Noah")
    world.shares(other, "balances")
    token = token_of(other.get("/my-sharing"))
    answer = other.post("/my-sharing", [token, ("grant", grant_id), ("action", "revoke"), ("confirm", "yes")])
    assert answer.status_code == 404
    assert world.grant(grant_id).status is GrantStatus.ACTIVE
    assert grant_id not in other.get("/my-sharing").text


def test_a_form_from_another_site_is_refused(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances")
    answer = maya.post("/my-sharing", [("grant", grant_id), ("action", "revoke"), ("confirm", "yes")])
    assert (answer.status_code, world.grant(grant_id).status) == (400, GrantStatus.ACTIVE)


def test_rows_say_what_still_flows(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances", "transactions")
    _press(maya, "revoke", grant=grant_id, category="balances")
    (row,) = maya.json("/my-sharing")
    states = {part["category"]: part["status"] for part in row["categories"]}
    assert states == {"balances": "REVOKED", "transactions": "ACTIVE"}


def test_a_refused_request_stays_visible_as_past(world: World, maya: Browser) -> None:
    grant_id = world.proposes(world.terms(CategoryTerm("balances")))
    maya.submit(form_with(maya.get(f"/consent/{grant_id}"), "decision"), ("decision", "deny"))
    assert "you said no" in maya.get("/my-sharing").text


def _form(browser: Browser, **hidden: str) -> Form:
    return next(form for form in forms_of(browser.get("/my-sharing")) if form.holds(**hidden))


def _press(browser: Browser, action: str, **hidden: str) -> str:
    """Press a button of My sharing, confirm, and return where that leads."""
    page = browser.submit(_form(browser, **hidden), ("action", action))
    answer = browser.submit(form_with(page, "confirm"), ("confirm", "yes"))
    assert answer.status_code == 303, answer.text
    return answer.location


def test_a_view_reads_the_newest_accesses_once(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances", "accounts")
    world.reads(grant_id, "accounts")
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if "FROM audit_entries" in statement and "audit_entries.event IN" in statement:
            asked.append(statement)

    event.listen(world.services.database.engine, "before_cursor_execute", note)
    for path, most in (("/my-sharing", 1), (f"/my-sharing/{grant_id}", 2), ("/", 1)):
        asked.clear()
        assert maya.get(path).status_code == 200
        assert len(asked) == most, path  # the page of one permission also reads what was done to it
    event.remove(world.services.database.engine, "before_cursor_execute", note)
