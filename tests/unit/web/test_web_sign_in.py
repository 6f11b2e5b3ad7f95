"""Signing in at a bank: what is believed, what is not, and where it leads."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest
from identity_provider import running_provider
from joserfc.jwk import ECKey, OctKey
from web_world import AUDITOR, BASE, PERSON, Browser, World, build_world, form_with, forms_of, words_of

from broker.edge.visitor import SignInWish
from tests.support.stores import NewStore


@pytest.fixture(scope="module")
def one_world(tmp_path_factory: pytest.TempPathFactory, new_store: NewStore) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("sign_in")
    with running_provider() as provider, new_store(folder) as store:
        built = build_world(folder, store, provider)
        yield built
        built.services.close()


@pytest.fixture
def world(one_world: World) -> World:
    """Sign-ins leave nothing that the next test could trip over, so one world does; the bank is honest again."""
    provider = one_world.provider
    provider.bent_claims, provider.bent_metadata, provider.bent_token, provider.raw = {}, {}, {}, {}
    provider.signs_with = None
    one_world.later += timedelta(minutes=10)  # what was learned of the bank is forgotten
    return one_world


def test_a_customer_signs_in_and_lands_on_the_page_they_wanted(world: World) -> None:
    answer = world.browser().signs_in("/sign-in?next=/history?decision=refused")
    assert (answer.status_code, answer.location) == (303, "/history?decision=refused")


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/my-sharing",
        "//evil.example/my-sharing",
        "/console/harbor",
        "/\\evil",
        "/my-sharing%0d%0aX",
        "/my-sharing/../console",
        "/my-sharing/12345678-90ab-4cde-8f00-1234567890ab/../../sign-out",
        "/my-sharing/12345678-90ab-4cde-8f00-1234567890abX",
        "/my-sharing/12345678-90AB-4cde-8f00-1234567890ab%0a",
        "/history/entries/harbor/2026/1/../../../../sign-out",
        "/history/entries//evil.example/2026/1",
        "/consent/12345678-90ab-4cde-8f00-1234567890ab/approve",
        "/account/closed",
        "/account/sessions/end",
        "//my-sharing",
        "/my-sharing/banks/confirm",
        "http:/my-sharing",
        "javascript:/my-sharing",
        "/my-sharing@evil.example",
    ],
)
def test_a_link_never_leads_to_another_site_or_page(world: World, wanted: str) -> None:
    answer = world.browser().signs_in(f"/sign-in?next={wanted}")
    assert (answer.status_code, answer.location) == (303, "/my-sharing")


@pytest.mark.parametrize(
    "path",
    [
        "/my-sharing/12345678-90ab-4cde-8f00-1234567890ab",
        "/my-sharing/12345678-90ab-4cde-8f00-1234567890ab/renew",
        "/my-sharing/banks",
        "/history/map",
        "/history/charts",
        "/history/entries/harbor/2026-2/17",
        "/account/close",
        "/consent/12345678-90ab-4cde-8f00-1234567890ab/receipt",
        "/history?grant=12345678-90ab-4cde-8f00-1234567890ab",
    ],
)
def test_a_deep_page_leads_to_sign_in_and_back(world: World, path: str) -> None:
    browser = world.browser()
    asked = browser.get(path)
    assert (asked.status_code, asked.location.partition("?")[0]) == (303, "/sign-in")
    assert browser.signs_in(asked.location).location == path
    assert world.browser().get(path, Accept="application/json").status_code == 401


def test_the_session_id_changes_at_sign_in(world: World) -> None:
    browser = world.browser()
    browser.get("/sign-in")
    before = browser.client.get_cookie("broker_session")
    browser.signs_in()
    after = browser.client.get_cookie("broker_session")
    assert before is not None
    assert after is not None
    assert before.value != after.value


def test_a_signed_out_visitor_is_led_through_the_bank_choice(world: World) -> None:
    answer = world.browser().get("/my-sharing")
    assert answer.status_code == 303
    assert form_with(world.browser().get(answer.location), "for", "bank").values("bank") == ["harbor", "meridian"]


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("bank.categories", "does not share what the app asks for at the moment"),
        ("bank.history", "does not share as much as the app asks for"),
        ("switch.bank", "sharing from this bank is turned off at the moment"),
    ],
)
def test_a_bank_that_cannot_serve_an_app_stands_there_with_the_reason(world: World, rule: str, why: str) -> None:
    browser = world.browser()
    wish = SignInWish("/oauth/authorize?x=1", ("meridian",), asker="Messenger", unable={"harbor": rule})
    browser.get("/sign-in")
    with browser.client.session_transaction(base_url=BASE) as session:
        session["wishes"] = {"w": asdict(wish)}
    page = browser.get("/sign-in?for=w")
    assert f'<option value="" disabled>Harbor Bank: {why}</option>' in words_of(page)
    form = form_with(page, "for", "bank")
    assert form.chosen("bank") == "meridian"
    assert browser.submit(form, ("bank", "harbor")).status_code == 400


def test_the_sign_in_page_lets_its_form_lead_to_the_banks(world: World) -> None:
    policy = world.browser().get("/sign-in").headers["Content-Security-Policy"]
    assert world.provider.issuer in policy.split("form-action")[1]


def test_signing_out_ends_the_session(maya: Browser) -> None:
    page = maya.get("/my-sharing")
    assert "Maya Lindqvist" in page.text
    form = next(form for form in forms_of(page) if form.action == "/sign-out")
    assert maya.submit(form).status_code == 303
    assert maya.get("/my-sharing").status_code == 303


def test_a_form_without_its_token_is_refused(world: World) -> None:
    answer = world.browser().post("/sign-in", [("for", "x"), ("bank", "harbor")])
    assert (answer.status_code, "form-expired" in answer.text) == (400, True)


@pytest.mark.parametrize(
    ("name", "value"), [("bank", "nobody"), ("bank", ""), ("bank", "\x00"), ("for", "unknown"), ("for", "x" * 500)]
)
def test_a_forged_choice_is_a_clear_problem(world: World, name: str, value: str) -> None:
    browser = world.browser()
    form = form_with(browser.get("/sign-in"), "for", "bank")
    fields = {**dict(form.fields), "bank": "harbor", name: value}
    answer = browser.post("/sign-in", list(fields.items()))
    assert (answer.status_code, "invalid-request" in answer.text) == (400, True)


def test_a_repeated_field_is_a_clear_problem(world: World) -> None:
    browser = world.browser()
    form = form_with(browser.get("/sign-in"), "for", "bank")
    answer = browser.submit(form, ("bank", "harbor"), ("bank", "meridian"))
    assert answer.status_code == 400


def test_an_unreachable_bank_is_a_page_and_nobody_is_signed_in(world: World) -> None:
    browser = world.browser()
    answer = browser.submit(form_with(browser.get("/sign-in"), "for"), ("bank", "meridian"))
    assert (answer.status_code, "bank-unavailable" in answer.text) == (503, True)


def test_turning_back_at_the_bank_offers_a_way_on(world: World) -> None:
    browser = world.browser()
    back = world.provider.way_back(browser.goes_to_bank(), error="access_denied")
    answer = browser.get(back)
    assert "You cancelled at the bank" in answer.text
    assert browser.get("/my-sharing").status_code == 303


def test_an_answer_counts_once(world: World) -> None:
    browser = world.browser()
    back = world.provider.agrees(browser.goes_to_bank(), **PERSON)
    assert browser.get(back).status_code == 303
    assert browser.get(back).status_code == 403


def test_an_answer_in_another_browser_signs_nobody_in(world: World) -> None:
    back = world.provider.agrees(world.browser().goes_to_bank(), **PERSON)
    other = world.browser()
    assert other.get(back).status_code == 403
    assert other.get("/my-sharing").status_code == 303


@pytest.mark.parametrize("query", ["", "?state=x&code=y", "?code=y", "?state=%00&code=%ff", "?state=a&state=b&code=c"])
def test_an_answer_that_nobody_asked_for_is_refused(world: World, query: str) -> None:
    assert world.browser().get(f"/sign-in/harbor/callback{query}").status_code == 403


@pytest.mark.parametrize("issuer", ["", "https://other.example"])
def test_an_answer_of_another_issuer_is_refused(world: World, issuer: str) -> None:
    browser = world.browser()
    back = world.provider.way_back(browser.goes_to_bank(), code="c", iss=issuer)
    assert browser.get(back).status_code == 403


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"iss": "https://other.example"},
        {"aud": "somebody-else"},
        {"aud": "somebody-else", "azp": "broker"},
        {"aud": None},
        {"exp": 1_000_000_000},
        {"exp": "soon"},
        {"iat": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 300},
        {"role": "root"},
        {"role": ["auditor"]},
    ],
)
def test_an_id_token_with_a_wrong_claim_signs_nobody_in(world: World, claims: dict[str, Any]) -> None:
    world.provider.bent_claims = claims
    _assert_nobody(world)


@pytest.mark.parametrize("key", [ECKey.generate_key("P-256"), OctKey.import_key("s" * 64)], ids=["foreign", "hmac"])
def test_an_id_token_signed_otherwise_signs_nobody_in(world: World, key: Any) -> None:
    world.provider.signs_with = key
    _assert_nobody(world)


@pytest.mark.parametrize(
    "token",
    [
        {"id_token": None},
        {"id_token": "a.b.c"},
        {"id_token": {"x": 1}},
        {"access_token": None},
        {"access_token": "a\r\nb"},
        {"access_token": ["a"]},
        {"token_type": "mac"},
        {"token_type": None},
        {"expires_in": "never"},
        {"expires_in": -1},
        {"expires_in": 10**30},
        {"refresh_token": {"a": 1}},
        {"error": "invalid_grant"},
    ],
)
def test_a_token_answer_of_another_shape_never_breaks_us(world: World, token: dict[str, Any]) -> None:
    world.provider.bent_token = token
    browser = world.browser()
    answer = browser.get(world.provider.agrees(browser.goes_to_bank(), **PERSON))
    assert answer.status_code == (303 if token == {"expires_in": 10**30} else 403)
    assert "a.b.c" not in answer.text


@pytest.mark.parametrize("path", ["/token", "/jwks"])
@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"keys": 1}', b"{" * 3000, b"\xff\xfe", b'{"keys": [{}]}'])
def test_a_broken_answer_of_the_bank_signs_nobody_in(world: World, path: str, body: bytes) -> None:
    world.provider.raw[path] = (200, "application/json", body)
    _assert_nobody(world)


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://other.example"},
        {"authorization_endpoint": "https://evil.example/authorize"},
        {"token_endpoint": "http://169.254.169.254/token"},
        {"jwks_uri": None},
        {"jwks_uri": "http://[::1"},
        {"token_endpoint": 5},
    ],
)
def test_metadata_that_leads_elsewhere_is_not_followed(world: World, metadata: dict[str, Any]) -> None:
    world.provider.bent_metadata = metadata
    browser = world.browser()
    answer = browser.submit(form_with(browser.get("/sign-in"), "for"), ("bank", "harbor"))
    assert (answer.status_code, "bank-unavailable" in answer.text) == (502, True)


def test_a_bank_cannot_switch_pkce_off_in_its_metadata(world: World) -> None:
    bent = {"code_challenge_method": None, "client_id": "other", "scope": "everything", "response_type": "token"}
    world.provider.bent_metadata = {**bent, "code_challenge_method": ""}
    location = world.browser().goes_to_bank()
    assert "code_challenge_method=S256" in location
    assert "client_id=broker" in location
    assert "everything" not in location


def test_staff_sign_in_leads_to_the_console(world: World) -> None:
    browser = world.browser()
    first = browser.get("/console/harbor")
    assert (first.status_code, first.location) == (303, "/sign-in/staff/harbor")
    answer = browser.signs_in_as_staff()
    assert (answer.status_code, answer.location) == (303, "/console/harbor")
    assert "Audrey Holt" in browser.get("/console/harbor").text


def test_the_console_asks_which_bank(world: World) -> None:
    browser = world.browser()
    answer = browser.submit(form_with(browser.get("/console"), "bank"), ("bank", "harbor"))
    assert (answer.status_code, answer.location) == (303, "/console/harbor")


def test_a_customer_is_not_let_in_as_staff(world: World) -> None:
    browser = world.browser()
    answer = browser.get(world.provider.agrees(browser.get("/sign-in/staff/harbor").location, **PERSON))
    assert (answer.status_code, "bank's own staff" in words_of(answer)) == (403, True)
    assert browser.get("/console/harbor").status_code == 303


def test_staff_are_not_let_in_as_customers(world: World) -> None:
    answer = world.browser().signs_in(**AUDITOR)
    assert (answer.status_code, "This page is for customers" in words_of(answer)) == (403, True)


def test_an_unknown_bank_has_no_sign_in(world: World) -> None:
    for path in ("/sign-in/staff/nobody", "/sign-in/nobody/callback", "/sign-in/staff/%00"):
        assert world.browser().get(path).status_code == 404


def test_the_same_person_is_recognised_again_and_another_is_not(world: World) -> None:
    world.browser().signs_in()
    first = world.user_id()
    world.browser().signs_in()
    assert world.user_id() == first
    world.browser().signs_in(sub="hb-2", name="Noah")
    assert world.user_id() != first


def _assert_nobody(world: World) -> None:
    browser = world.browser()
    assert browser.get(world.provider.agrees(browser.goes_to_bank(), **PERSON)).status_code == 403
    assert browser.get("/my-sharing").status_code == 303
