"""Asking an app to delete what it has: where it can be asked, and that every state of it is told in plain words."""

import re
from datetime import timedelta

import pytest
from web_world import ADMIN, Browser, Form, World, form_with, forms_of, words_of

from broker.grants.acts import PlatformActor
from broker.grants.deletion_views import KeptBecause, Statement

MESSENGER = PlatformActor("messenger", "1" * 8)


@pytest.fixture
def grant(world: World, maya: Browser) -> str:
    """Maya shares two kinds of data with Messenger, which has read one of them."""
    grant_id = world.shares(maya, "balances", "transactions")
    world.reads(grant_id, "balances")
    return grant_id


def page_of(grant: str) -> str:
    return f"/my-sharing/{grant}"


def asks(maya: Browser, grant: str) -> str:
    """Ask on the page of its own, and return the request's id."""
    page = maya.get(f"{page_of(grant)}/deletion")
    answer = maya.submit(next(form for form in forms_of(page) if form.action.endswith("/deletion")))
    assert (answer.status_code, answer.location) == (303, f"{page_of(grant)}?done=delete")
    return str(row(maya, grant)["deletion"]["id"])


def row(maya: Browser, grant: str) -> dict[str, dict[str, object]]:
    return next(one for one in maya.json("/my-sharing") if one["grant_id"] == grant)


def told(maya: Browser, path: str) -> str:
    return re.sub(r"\s+", " ", words_of(maya.get(path)))


def stops(maya: Browser, form: Form, *more: tuple[str, str]) -> str:
    """Stop, confirm with `more` ticked, and return the page that follows."""
    again = form_with(maya.submit(form, ("action", "revoke")), "confirm")
    answer = maya.submit(again, ("confirm", "yes"), *more)
    assert answer.status_code == 303, answer.text
    return told(maya, answer.location)


def whole(maya: Browser, grant: str, path: str = "/my-sharing") -> Form:
    return next(one for one in forms_of(maya.get(path)) if one.holds(grant=grant) and one.has("action"))


def test_nothing_can_be_asked_of_an_app_that_has_received_nothing(world: World, maya: Browser) -> None:
    grant = world.shares(maya, "balances")
    words = told(maya, page_of(grant))
    assert "Messenger has received nothing through this permission" in words
    assert "/deletion" not in words
    page = maya.get(f"{page_of(grant)}/deletion")
    assert "There is nothing to ask for" in page.text
    assert not [form for form in forms_of(page) if form.action.endswith("/deletion")]


def test_the_page_says_what_asking_means_and_asks_only_then(maya: Browser, grant: str) -> None:
    page = told(maya, f"{page_of(grant)}/deletion")
    assert "delete everything that it has received" in page
    assert "Sharing goes on" in page
    assert row(maya, grant)["deletion"] is None
    asks(maya, grant)
    words = told(maya, page_of(grant))
    assert "You have asked Messenger to delete what it has." in words
    assert "harbor" in words
    assert "It has not answered yet. It has until" in words
    assert f"{page_of(grant)}/deletion" not in words
    assert "You asked Messenger on" in told(maya, "/my-sharing")


def test_a_stop_can_ask_in_the_same_go(maya: Browser, grant: str) -> None:
    again = maya.submit(whole(maya, grant), ("action", "revoke"))
    assert "Also ask Messenger to delete what it has received" in words_of(again)
    assert form_with(again, "confirm").ticked == []
    words = stops(maya, whole(maya, grant), ("delete", "yes"))
    assert "still has what it received" not in words
    assert "It has not answered yet" in words
    assert (row(maya, grant)["status"], row(maya, grant)["deletion"]["status"]) == ("REVOKED", "requested")


def test_a_stop_without_it_leads_to_it(maya: Browser, grant: str) -> None:
    words = stops(maya, whole(maya, grant))
    assert row(maya, grant)["deletion"] is None
    assert "Messenger still has what it received before." in words
    assert words.count(f"{page_of(grant)}/deletion") == 2  # the banner, and the past permission
    assert "Sharing goes on" not in told(maya, f"{page_of(grant)}/deletion")
    asks(maya, grant)
    assert f"{page_of(grant)}/deletion" not in told(maya, "/my-sharing")


def test_a_stop_of_one_part_asks_for_nothing(maya: Browser, grant: str) -> None:
    form = next(one for one in forms_of(maya.get("/my-sharing")) if one.holds(grant=grant, category="balances"))
    again = form_with(maya.submit(form, ("action", "revoke")), "confirm")
    assert not again.boxes
    maya.submit(again, ("confirm", "yes"), ("delete", "yes"))  # a form that was made by hand
    assert row(maya, grant)["deletion"] is None


def test_stopping_everything_asks_each_app_that_has_something(world: World, maya: Browser, grant: str) -> None:
    unused = world.shares(maya, "balances")
    words = stops(maya, whole(maya, "all"), ("delete", "yes"))
    assert "No app can see your bank data any more" in words
    assert row(maya, grant)["deletion"]["status"] == "requested"
    assert row(maya, unused)["deletion"] is None


def test_what_the_app_says_is_told(world: World, maya: Browser, grant: str) -> None:
    deletion = asks(maya, grant)
    world.services.deletions.acknowledge(MESSENGER, deletion)
    words = told(maya, page_of(grant))
    assert "Messenger confirmed it on" in words
    assert "It has until" in words
    world.services.deletions.complete(MESSENGER, deletion, Statement.COMPLETED, None)
    words = told(maya, page_of(grant))
    assert "Messenger says that it deleted everything on" in words
    assert f"{page_of(grant)}/deletion" not in words
    for text in (
        "You asked Messenger to delete what it has from Harbor Bank",
        "Messenger confirmed that you asked it to delete",
        "Messenger says that it has deleted what it had from Harbor Bank",
    ):
        assert text in words
        assert text in told(maya, "/history")


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (KeptBecause.LEGAL_OBLIGATION, "the law makes the app keep it"),
        (KeptBecause.LEGAL_CLAIMS, "the app needs it for a legal dispute"),
        (KeptBecause.FRAUD_PREVENTION, "the app keeps it to prevent fraud"),
        (KeptBecause.PERSON_AGREED, "you agreed with the app that it keeps it"),
    ],
)
def test_what_is_kept_is_told_with_its_reason_and_can_be_asked_for_again(
    world: World, maya: Browser, grant: str, reason: KeptBecause, words: str
) -> None:
    world.services.deletions.complete(MESSENGER, asks(maya, grant), Statement.PARTLY_RETAINED, reason)
    page = told(maya, page_of(grant))
    assert f"It kept a part: {words}." in page
    assert "says that it has deleted a part of what it had" in page
    assert f"{page_of(grant)}/deletion" in page


def test_what_has_come_since_can_be_asked_for_too(world: World, maya: Browser, grant: str) -> None:
    world.services.deletions.complete(MESSENGER, asks(maya, grant), Statement.COMPLETED, None)
    assert f"{page_of(grant)}/deletion" not in told(maya, page_of(grant))
    world.reads(grant, "balances")
    assert "It has received more since" in told(maya, page_of(grant))


@pytest.mark.parametrize("has_confirmed", [False, True])
def test_an_app_that_is_late_is_named_and_the_person_is_told_what_to_do(
    world: World, maya: Browser, grant: str, has_confirmed: bool
) -> None:
    deletion = asks(maya, grant)
    if has_confirmed:
        world.services.deletions.acknowledge(MESSENGER, deletion)
    world.later = timedelta(days=31)
    maya = world.browser()
    maya.signs_in()
    words = told(maya, page_of(grant))
    assert ("has not said that it is" if has_confirmed else "has not answered.") in words
    for text in ("What you can do", "Write to Messenger", "data protection authority", "The receipt of your request"):
        assert text in words
    assert row(maya, grant)["deletion"]["overdue"] is True
    assert "What you can do" not in told(maya, "/my-sharing")


def test_a_second_press_is_told_that_it_was_asked_already(maya: Browser, grant: str) -> None:
    page = maya.get(f"{page_of(grant)}/deletion")
    form = next(form for form in forms_of(page) if form.action.endswith("/deletion"))
    assert maya.submit(form).status_code == 303
    again = maya.submit(form)
    assert again.status_code == 409
    assert "You have asked this app already" in words_of(again)


def test_nobody_asks_for_somebody_else(world: World, maya: Browser, grant: str) -> None:
    page = maya.get(f"{page_of(grant)}/deletion")
    form = next(form for form in forms_of(page) if form.action.endswith("/deletion"))
    without_token = maya.post(form.action, [])
    assert without_token.status_code == 400
    other = world.browser()
    other.signs_in(sub="hb-2", name="Otto")
    assert other.get(f"{page_of(grant)}/deletion").status_code == 404
    assert row(maya, grant)["deletion"] is None


def test_the_banks_console_tells_of_it_in_its_own_words(world: World, maya: Browser, grant: str) -> None:
    deletion = asks(maya, grant)
    world.services.deletions.complete(MESSENGER, deletion, Statement.PARTLY_RETAINED, KeptBecause.PERSON_AGREED)
    staff = world.browser()
    staff.signs_in_as_staff(**ADMIN)
    words = told(staff, "/console/harbor/log")
    assert "Customer asked the app to delete" in words
    assert "App says that it deleted" in words
    assert "the customer agreed with the app that it keeps it" in words


def test_what_the_app_has_given_back_it_can_be_asked_to_delete(world: World, maya: Browser, grant: str) -> None:
    world.services.grants.give_back(MESSENGER, grant)
    asks(maya, grant)
    assert row(maya, grant)["deletion"]["status"] == "requested"
