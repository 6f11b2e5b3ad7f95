"""The consent page: what it shows, what it sends, and that a choice can only narrow."""

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from told_bank import account
from web_world import Browser, World, form_with, path_of, words_of

from broker.policy.terms import CategoryTerm
from broker.policy.vocabulary import Detail, DurationType, GrantStatus, Precision
from tests.support.core import DATA


def test_nothing_is_ticked_that_is_not_essential(world: World, maya: Browser) -> None:
    form = form_with(maya.get(f"/consent/{world.proposes()}"), "decision")
    assert form.ticked == []
    essential = world.terms(CategoryTerm("balances"), purpose="balance_check")
    assert form_with(maya.get(f"/consent/{world.proposes(essential)}"), "decision").ticked == [("category", "balances")]


def test_not_even_an_only_account_is_ticked_for_the_person_but_it_is_said_that_there_is_one(
    world: World, maya: Browser
) -> None:
    world.connector.listed = [account("a-1", "Everyday money", "••7803")]
    page = maya.get(f"/consent/{world.proposes()}")
    assert form_with(page, "decision").ticked == []
    assert "the only account of yours" in words_of(page)


def test_the_selects_offer_what_was_asked_and_less(world: World, maya: Browser) -> None:
    form = form_with(maya.get(f"/consent/{world.proposes()}"), "decision")
    assert form.values("duration") == ["1", "7", "30", "60", "90"]
    assert form.values("history") == ["1", "7", "14", "30", "60"]
    assert form.values("detail") == ["basic", "detail"]
    assert form.values("precision") == ["country", "town", "postcode_area", "exact"]
    assert (form.chosen("duration"), form.chosen("precision"), form.chosen("detail")) == ("90", "town", "basic")


def test_a_coarser_request_offers_no_finer_step(world: World, maya: Browser) -> None:
    terms = world.terms(
        CategoryTerm("transactions", Detail.BASIC), CategoryTerm("card_locations", None, Precision.COUNTRY)
    )
    form = form_with(maya.get(f"/consent/{world.proposes(terms)}"), "decision")
    assert (form.values("detail"), form.values("precision")) == (["basic"], ["country"])


def test_a_single_read_out_has_no_duration(world: World, maya: Browser) -> None:
    terms = world.terms(duration_type=DurationType.ONE_TIME)
    assert not form_with(maya.get(f"/consent/{world.proposes(terms)}"), "decision").has("duration")


@pytest.mark.fapi(28)
def test_the_page_says_who_why_and_what_never(world: World, maya: Browser) -> None:
    page = maya.get(f"/consent/{world.proposes()}")
    words = words_of(page)
    catalogue = world.services.catalogue
    for text in ("Messenger", "Harbor Bank", catalogue.purposes["chat_banking"].title, "advertising", "My sharing"):
        assert text in words
    for name in DATA:
        category = catalogue.categories[name]
        assert catalogue.purposes["chat_banking"].needs[name].why in words
        assert category.notice in words
        assert all(field.label in words for field in category.fields)
    assert "http://localhost:4199" in page.headers["Content-Security-Policy"]


def test_the_name_of_a_platform_is_text_and_nothing_else(world: World, maya: Browser) -> None:
    page = maya.get(f"/consent/{world.proposes(platform='ledgerly')}")
    assert "&lt;b&gt;Ledgerly" in page.text
    assert "<b>Ledgerly" not in page.text


def test_allowing_grants_what_was_chosen_and_no_more(world: World, maya: Browser) -> None:
    grant_id = world.proposes()
    form = form_with(maya.get(f"/consent/{grant_id}"), "decision")
    first = form.values("account")[0]
    answer = maya.submit(
        form,
        ("category", "transactions"),
        ("category", "card_locations"),
        ("account", first),
        ("duration", "30"),
        ("history", "7"),
        ("detail", "detail"),
        ("precision", "exact"),
        ("decision", "approve"),
    )
    assert (answer.status_code, path_of(answer)) == (303, "/oauth/authorize/answer")
    grant = world.grant(grant_id)
    assert grant.status is GrantStatus.ACTIVE
    assert grant.terms.categories == (
        CategoryTerm("transactions", Detail.DETAIL),
        CategoryTerm("card_locations", None, Precision.EXACT),
    )
    assert (grant.terms.duration_days, grant.terms.lookback_days) == (30, 7)
    assert [a.account_id for a in grant.accounts] == [first]


def test_a_form_without_its_selects_gets_the_least_detail(world: World, maya: Browser) -> None:
    grant_id = world.proposes()
    form = form_with(maya.get(f"/consent/{grant_id}"), "decision")
    ticks = [("category", name) for name in form.values("category")]
    maya.submit(form, *ticks, ("account", form.values("account")[0]), ("decision", "approve"), selects=False)
    terms = world.grant(grant_id).terms
    assert terms.category("transactions") == CategoryTerm("transactions", Detail.BASIC)
    assert terms.category("card_locations") == CategoryTerm("card_locations", None, Precision.TOWN)


def test_refusing_needs_nothing_else(world: World, maya: Browser) -> None:
    grant_id = world.proposes()
    form = form_with(maya.get(f"/consent/{grant_id}"), "decision")
    answer = maya.submit(form, ("decision", "deny"), ("duration", "garbage"))
    assert (answer.status_code, path_of(answer)) == (303, "/oauth/authorize/answer")
    assert world.grant(grant_id).status is GrantStatus.REJECTED


@pytest.mark.parametrize(
    ("category", "picks", "place"), [([], True, "#categories"), (["balances"], False, "#accounts")]
)
def test_an_empty_choice_is_explained_and_the_rest_is_kept(
    world: World, maya: Browser, category: list[str], picks: bool, place: str
) -> None:
    grant_id = world.proposes()
    form = form_with(maya.get(f"/consent/{grant_id}"), "decision")
    accounts = [("account", ref) for ref in form.values("account")[:1] if picks]
    ticks = [("category", name) for name in category]
    answer = maya.submit(form, *ticks, *accounts, ("duration", "7"), ("precision", "country"), ("decision", "approve"))
    assert (answer.status_code, f'href="{place}"' in answer.text) == (422, True)
    again = form_with(answer, "decision")
    assert again.ticked == [*ticks, *accounts]
    assert (again.chosen("duration"), again.chosen("precision")) == ("7", "country")
    assert world.grant(grant_id).status is GrantStatus.AWAITING_AUTHORISATION


@pytest.mark.parametrize(
    ("field", "status"),
    [
        (("duration", "91"), 422),
        (("history", "61"), 422),
        (("account", "somebody-elses"), 422),
        (("category", "payments"), 422),
        (("duration", "0"), 400),
        (("duration", "-1"), 400),
        (("duration", "9" * 5000), 400),
        (("history", "1e3"), 400),
        (("precision", "house"), 400),
        (("detail", "\x00"), 400),
        (("category", "x" * 100), 400),
        (("decision", "maybe"), 400),
    ],
)
def test_a_forged_choice_grants_nothing(world: World, maya: Browser, field: tuple[str, str], status: int) -> None:
    grant_id = world.proposes()
    form = form_with(maya.get(f"/consent/{grant_id}"), "decision")
    fair = [("category", "balances"), ("account", form.values("account")[0]), ("decision", "approve")]
    sent = [pair for pair in fair if pair[0] != field[0] or field[0] in {"category", "account"}]
    answer = maya.submit(form, *sent, field)
    assert answer.status_code == status, answer.text
    assert world.grant(grant_id).status is GrantStatus.AWAITING_AUTHORISATION


def test_a_finer_step_than_asked_grants_nothing(world: World, maya: Browser) -> None:
    grant_id = world.proposes(world.terms(CategoryTerm("card_locations", None, Precision.TOWN)))
    form = form_with(maya.get(f"/consent/{grant_id}"), "decision")
    picked = [("category", "card_locations"), ("account", form.values("account")[0]), ("decision", "approve")]
    assert maya.submit(form, *picked, ("precision", "exact")).status_code == 422
    assert world.grant(grant_id).status is GrantStatus.AWAITING_AUTHORISATION


def test_a_request_is_answered_once(world: World, maya: Browser) -> None:
    grant_id = world.proposes()
    form = form_with(maya.get(f"/consent/{grant_id}"), "decision")
    maya.submit(form, ("decision", "deny"))
    yes = [("category", "balances"), ("account", form.values("account")[0]), ("decision", "approve")]
    late = maya.submit(form, *yes)
    assert (late.status_code, "was turned down" in words_of(late)) == (409, True)
    again = maya.submit(form, ("decision", "deny"))
    assert (again.status_code, "Go on to Messenger" in words_of(again)) == (409, True), "the same answer twice is one"
    assert "answered already" in maya.get(f"/consent/{grant_id}").text
    assert world.grant(grant_id).status is GrantStatus.REJECTED


def test_an_old_request_says_what_to_do_and_asks_no_bank(world: World, maya: Browser) -> None:
    grant_id = world.proposes()
    form = form_with(maya.get(f"/consent/{grant_id}"), "decision")
    asked = world.connector.asked
    world.later = timedelta(minutes=11)
    assert "has expired" in maya.get(f"/consent/{grant_id}").text
    answer = maya.submit(form, ("category", "balances"), ("decision", "approve"))
    assert (answer.status_code, "has expired" in answer.text) == (409, True)
    assert world.connector.asked == asked


def test_another_persons_request_is_as_unknown_as_none(world: World, maya: Browser) -> None:
    grant_id = world.proposes()
    assert maya.get(f"/consent/{grant_id}").status_code == 200
    other = world.browser()
    other.signs_in_to_consent(sub="hb-2", name="Noah")
    mine = form_with(other.get(f"/consent/{world.proposes()}"), "decision")
    for path in (f"/consent/{grant_id}", f"/consent/{uuid.uuid4()}"):
        assert other.get(path).status_code == 404
        assert other.submit(replace(mine, action=path), ("decision", "approve")).status_code == 404
    assert world.grant(grant_id).status is GrantStatus.AWAITING_AUTHORISATION


def test_an_address_that_is_no_id_is_not_found(maya: Browser) -> None:
    assert maya.get("/consent/1%00' OR 1=1").status_code == 404


def test_a_bank_that_is_down_offers_to_try_again(world: World, maya: Browser) -> None:
    grant_id = world.proposes()
    world.connector.is_down = True
    answer = maya.get(f"/consent/{grant_id}")
    assert answer.status_code == 503
    assert form_with(answer, "again", "decision").buttons == [("again", "yes"), ("decision", "deny")]
    assert maya.get(f"/consent/{grant_id}", Accept="application/json").json["code"] == "bank-unavailable"
    world.connector.is_down = False
    assert maya.get(f"/consent/{grant_id}").status_code == 200


def test_without_an_account_only_no_can_be_said(world: World, maya: Browser) -> None:
    world.connector.listed = []
    form = form_with(maya.get(f"/consent/{world.proposes()}"), "decision")
    assert form.buttons == [("decision", "deny")]


def test_a_signed_out_visitor_decides_nothing(world: World, maya: Browser) -> None:
    grant_id = world.proposes()
    form = form_with(maya.get(f"/consent/{grant_id}"), "decision")
    sign_in = world.browser().get(f"/consent/{grant_id}")
    assert (sign_in.status_code, path_of(sign_in)) == (303, "/sign-in")
    assert world.browser().submit(form, ("decision", "approve")).status_code in {400, 401}
    assert world.grant(grant_id).status is GrantStatus.AWAITING_AUTHORISATION
