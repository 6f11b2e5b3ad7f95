"""Switches on pages: a bank's administrators flip their own, auditors look, people read what is off and why."""

from datetime import timedelta

import pytest
from web_world import Browser, World, form_with, forms_of, words_of

from broker.errors import ReleaseRefused
from broker.switches.service import Hand
from broker.switches.views import Side, Target

PAGE = "/console/harbor/switches"
ADMIN = {"sub": "staff-2", "name": "Ada Admin", "role": "admin"}
WHY = "Card data is being looked into."
OFF = [("action", "off"), ("category", "balances"), ("reason", WHY)]


@pytest.fixture
def admin(world: World) -> Browser:
    browser = world.browser()
    browser.get(world.provider.agrees(browser.get("/sign-in/staff/harbor").location, **ADMIN))
    return browser


def turns_off(admin: Browser, *chosen: tuple[str, str], reason: str = WHY) -> None:
    form = next(form for form in forms_of(admin.get(PAGE)) if ("action", "off") in form.fields)
    form.fields.remove(("reason", ""))
    question = admin.submit(form, ("reason", reason), *chosen)
    assert question.status_code == 200, question.text
    answer = admin.submit(form_with(question, "confirm"), ("confirm", "yes"))
    assert (answer.status_code, answer.location) == (303, PAGE)


def test_an_administrator_turns_off_a_kind_of_data_after_its_consequence_was_named(
    world: World, maya: Browser, admin: Browser
) -> None:
    grant_id = world.shares(maya, "balances", "accounts")
    form = form_with(admin.get(PAGE), "category", "platform", "reason")
    form.fields.remove(("reason", ""))
    question = admin.submit(form, ("category", "balances"), ("reason", WHY))
    assert "This is about 1 live permission." in words_of(question)
    assert world.grant(grant_id).live_categories == ("accounts", "balances")  # nothing has happened yet
    turns_off(admin, ("category", "balances"))
    page = words_of(admin.get(PAGE))
    assert "Turned off: “Your balances” for all platforms at Harbor Bank." in page
    assert (f"“{WHY}”" in page, "by Ada Admin" in page) == (True, True)
    world.reads(grant_id, "accounts")
    with pytest.raises(ReleaseRefused, match="category-off"):
        world.reads(grant_id, "balances")
    row = admin.json("/console/harbor/log?event=switch.off")[0]
    assert (row["initiator"], row["category"], row["platform"]) == ("DATA_PROVIDER", "balances", None)


def test_people_read_in_my_sharing_and_in_their_history_who_turned_off_what_and_why(
    world: World, maya: Browser, admin: Browser
) -> None:
    grant_id = world.shares(maya, "balances", "accounts")
    turns_off(admin, ("platform", "ledgerly"))  # does not concern her
    turns_off(admin, ("category", "balances"))
    turns_off(admin)
    sharing, history = words_of(maya.get("/my-sharing")), words_of(maya.get("/history"))
    for what in ("your balances", "all sharing"):
        assert f"Harbor Bank turned off {what} for all apps" in sharing
        assert f"Harbor Bank turned off {what} for all apps" in history
    assert (sharing.count(WHY), "Ledgerly" in sharing + history, "Ada" in sharing + history) == (2, False, False)
    (row,) = maya.json("/my-sharing")
    states = {one["category"]: one["status"] for one in row["categories"]}
    assert (row["status"], row["reason"]) == ("SUSPENDED", "suspended-by-bank")
    assert states == {"accounts": "ACTIVE", "balances": "SUSPENDED"}
    flip = next(row for row in maya.json("/history") if row["event"] == "switch.off")
    receipt = maya.get(f"/history/receipts/harbor/{flip['log'].rpartition('/')[2]}/{flip['number']}")
    assert receipt.status_code == 200
    assert maya.get(f"/history/disclosures/harbor/{flip['log'].rpartition('/')[2]}/{flip['number']}").status_code == 404
    stop = next(form for form in forms_of(maya.get("/my-sharing")) if [name for name, _ in form.fields] == ["grant"])
    assert ("action", "revoke") in stop.buttons
    question = form_with(maya.submit(stop, ("action", "revoke")), "confirm")
    assert maya.submit(question, ("confirm", "yes")).status_code == 303
    assert world.grant(grant_id).status.is_final


def test_what_is_on_again_goes_on_and_people_read_it(world: World, maya: Browser, admin: Browser) -> None:
    grant_id = world.shares(maya, "accounts")
    turns_off(admin)
    again = next(form for form in forms_of(admin.get(PAGE)) if ("action", "on") in form.fields)
    fields = [(name, value) for name, value in again.fields if name != "reason"]
    question = admin.post(PAGE, [*fields, ("reason", "Solved.")])
    answer = admin.submit(form_with(question, "confirm"), ("confirm", "yes"))
    assert answer.status_code == 303
    world.reads(grant_id, "accounts")
    assert "Harbor Bank turned on again all sharing for all apps" in words_of(maya.get("/history"))
    assert "turned off" not in words_of(maya.get("/my-sharing")).lower()


def test_switches_of_before_and_after_a_permission_and_of_other_banks_are_not_in_its_persons_history(
    world: World, maya: Browser, admin: Browser
) -> None:
    operator = Hand(Side.OPERATOR, "operator")
    for flip in (world.services.switches.turn_off, world.services.switches.turn_on):
        flip(operator, Target("harbor"), WHY)
    world.later += timedelta(seconds=1)
    world.shares(maya, "accounts")
    world.services.switches.turn_off(operator, Target("meridian"), WHY)
    turns_off(admin, ("category", "transactions"))
    assert not [row for row in maya.json("/history") if row["event"].startswith("switch")]
    world.services.switches.turn_off(operator, Target(), WHY)
    assert "Consent Broker turned off all sharing for all apps at all banks" in words_of(maya.get("/history"))


def test_an_auditor_looks_and_changes_nothing(world: World) -> None:
    auditor = world.browser()
    auditor.signs_in_as_staff()
    page = auditor.get(PAGE)
    assert ("Nothing is off" in page.text, "auditor" in page.text) == (True, True)
    assert not [form for form in forms_of(page) if form.has("reason")]
    token = next(value for form in forms_of(page) for name, value in form.fields if name == "csrf_token")
    for confirm in ([], [("confirm", "yes")]):
        answer = auditor.post(PAGE, [("csrf_token", token), *OFF, *confirm])
        assert (answer.status_code, "not-permitted" in answer.text) == (403, True)


def test_the_forms_need_their_token_and_the_banks_own_staff(world: World, maya: Browser, admin: Browser) -> None:
    assert admin.post(PAGE, OFF).status_code == 400
    token = form_with(admin.get(PAGE), "csrf_token").fields[0]
    assert admin.post("/console/meridian/switches", [token, *OFF, ("confirm", "yes")]).status_code == 403
    assert admin.get("/console/meridian/switches").status_code == 403
    assert maya.get(PAGE).status_code in {303, 403}
    assert world.services.catalogue  # and nothing is off:
    assert "Nothing is off" in admin.get(PAGE).text


@pytest.mark.parametrize("reason", ["", "   ", "x" * 301, "a\u202eb"])
def test_a_form_without_a_good_reason_is_shown_again_with_what_was_chosen(admin: Browser, reason: str) -> None:
    token = form_with(admin.get(PAGE), "csrf_token").fields[0]
    sent = [token, ("action", "off"), ("category", "balances"), ("platform", "ledgerly"), ("reason", reason)]
    for confirm in ([], [("confirm", "yes")]):
        answer = admin.post(PAGE, [*sent, *confirm])
        form = form_with(answer, "category", "platform", "reason")
        assert (answer.status_code, form.chosen("category"), form.chosen("platform")) == (422, "balances", "ledgerly")


@pytest.mark.parametrize(
    "odd", [("category", "everything"), ("platform", "nobody"), ("platform", "x" * 65), ("action", "toggle")]
)
def test_an_odd_form_is_a_clear_problem_and_turns_nothing_off(admin: Browser, odd: tuple[str, str]) -> None:
    token = form_with(admin.get(PAGE), "csrf_token").fields[0]
    sent = [token, *[one for one in OFF if one[0] != odd[0]], odd]
    for confirm in ([], [("confirm", "yes")]):
        assert admin.post(PAGE, [*sent, *confirm]).status_code in {400, 404}
    assert "Nothing is off" in admin.get(PAGE).text


def test_the_operators_switch_is_shown_without_a_button(world: World, admin: Browser) -> None:
    world.services.switches.turn_off(Hand(Side.OPERATOR, "operator"), Target("harbor"), WHY)
    page = admin.get(PAGE)
    assert "only they can turn it on again" in words_of(page)
    assert not [form for form in forms_of(page) if ("action", "on") in form.fields]
    token = form_with(page, "csrf_token").fields[0]
    answer = admin.post(PAGE, [token, ("action", "on"), ("reason", WHY), ("confirm", "yes")])
    assert (answer.status_code, "switch-unchanged" in answer.text) == (409, True)


def test_a_consent_page_says_that_sharing_is_turned_off_and_asks_no_bank(
    world: World, maya: Browser, admin: Browser
) -> None:
    proposal, asked = world.proposes(), world.connector.asked
    turns_off(admin)
    answer = maya.get(f"/consent/{proposal}")
    assert (answer.status_code, "turned this off for now" in answer.text) == (403, True)
    assert world.connector.asked == asked
