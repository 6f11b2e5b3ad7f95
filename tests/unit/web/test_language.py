"""The language of a page: chosen, asked for, or English; and nothing that somebody sends can break it."""

from urllib.parse import urlsplit

import pytest
from web_world import BASE, PERSON, Browser, World, form_with, words_of

from broker.translations import messages
from broker.web import formats
from broker.web.language import own_path

HOST = urlsplit(BASE).hostname or ""
SPANISH = {"Accept-Language": "es-MX,en;q=0.5"}
NAME = '<b>"Ana"</b> \u202e%(x)s %s'


def header(answer: object, name: str) -> str:
    return str(answer.headers[name])  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("es", "es"),
        ("es-MX,en;q=0.5", "es"),
        ("en;q=0.5,es-US;q=0.6", "es"),
        ("ES_419", "es"),
        ("de,en;q=0.1,es;q=0", "en"),
        ("fr", "en"),
        ("*", "en"),
        ("", "en"),
        ("../../etc;q=1,\x7f", "en"),
        ("es" * 4_000, "en"),
        (";;;q=x,,,=", "en"),
    ],
)
def test_a_browser_that_chose_nothing_gets_the_language_that_it_asks_for(world: World, asked: str, code: str) -> None:
    answer = world.browser().get("/", **{"Accept-Language": asked})
    assert (answer.status_code, header(answer, "Content-Language")) == (200, code)
    assert f'<html lang="{code}">' in answer.text
    assert {"Accept-Language", "Cookie"} <= set(header(answer, "Vary").replace(" ", "").split(","))


def test_the_switch_changes_the_language_and_leads_back(world: World) -> None:
    browser = world.browser()
    back = browser.client.post(
        "/language", base_url=BASE, data={"language": "es", "next": "/about/data?x=1"}, headers={"Origin": BASE}
    )
    assert (back.status_code, header(back, "Location")) == (303, "/about/data?x=1")
    cookie = header(back, "Set-Cookie")
    assert cookie.startswith("broker_language=es;")
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=31536000"))
    page = browser.get("/about/data", **{"Accept-Language": "en"})
    assert "Qué se puede compartir" in words_of(page)
    assert "Sus saldos" in words_of(page)
    assert 'lang="es"' in page.text


@pytest.mark.parametrize("value", ["fr", "", "es\r\nX-Evil: 1", "../es", "e" * 4_000, "<script>"])
def test_a_language_that_there_is_not_is_no_language(world: World, value: str) -> None:
    browser = world.browser()
    answer = browser.client.post("/language", base_url=BASE, data={"language": value}, headers={"Origin": BASE})
    assert answer.status_code == 400
    assert "Set-Cookie" not in answer.headers
    browser.client.set_cookie("broker_language", value.replace("\r\n", ""), domain=HOST)
    assert header(browser.get("/"), "Content-Language") == "en"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_no_other_site_and_no_program_without_a_word_chooses(world: World, headers: dict[str, str]) -> None:
    answer = world.browser().client.post("/language", base_url=BASE, data={"language": "es"}, headers=headers)
    assert answer.status_code == 400
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("path", "led"),
    [
        ("/history?page=2", "/history?page=2"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("/a\r\nX: y", "/"),
        ("/a\n", "/"),
        ("/é", "/"),
        ("history", "/"),
        ("", "/"),
        ("/" + "a" * 2_000, "/"),
    ],
)
def test_the_way_back_is_a_path_of_this_site(path: str, led: str) -> None:
    assert own_path(path) == led


def test_choosing_begins_no_session(world: World) -> None:
    browser = world.browser()
    browser.client.post("/language", base_url=BASE, data={"language": "es"}, headers={"Origin": BASE})
    assert browser.client.get_cookie("broker_session", domain=HOST) is None
    assert browser.client.get_cookie("broker_language", domain=HOST) is not None


def test_an_error_is_told_in_the_language_of_the_page_and_in_english_to_programs(maya: Browser) -> None:
    page = maya.get("/consent/00000000-0000-7000-8000-000000000000", **SPANISH)
    assert page.status_code == 404
    assert "No se encontró" in words_of(page)
    assert "No hay tal solicitud para usted." in words_of(page)
    told = maya.get("/consent/00000000-0000-7000-8000-000000000000", Accept="application/json", **SPANISH).get_json()
    assert told["detail"].startswith("There is no such request for you.")
    twice = maya.get("/history/export.csv?platform=a&platform=b", **SPANISH)
    assert "“platform” se envió más de una vez." in words_of(twice)


def test_a_name_with_markup_stays_text_in_every_language(world: World) -> None:
    browser = world.browser()
    browser.signs_in(**{**PERSON, "name": NAME})
    for headers in ({}, SPANISH):
        page = browser.get("/my-sharing", **headers)
        assert page.status_code == 200
        assert "<b>" not in page.text
        assert "&lt;b&gt;" in page.text


def test_a_permission_names_the_notices_in_the_language_that_was_shown(world: World, maya: Browser) -> None:
    spanish, english = world.services.catalogue.in_language("es"), world.services.catalogue
    proposed = world.proposes()
    page = maya.get(f"/consent/{proposed}", **SPANISH)
    assert spanish.categories["balances"].notice in words_of(page)
    form = form_with(page, "decision")
    accounts = [("account", ref) for ref in form.values("account")]
    assert maya.submit(form, ("category", "balances"), *accounts, ("decision", "approve")).status_code == 303
    assert world.grant(proposed).notice == {
        "id": "consent",
        "version": 1,
        "sha256": spanish.notice_digest,
        "language": "es",
    }
    assert spanish.notice_digest != english.notice_digest


def test_words_that_were_never_shown_are_not_agreed_to(world: World, maya: Browser) -> None:
    proposed = world.proposes()
    form = form_with(maya.get(f"/consent/{proposed}"), "decision")
    accounts = [("account", ref) for ref in form.values("account")]
    form.fields = [(name, "0" * 64 if name == "notice" else value) for name, value in form.fields]
    answer = maya.submit(form, ("category", "balances"), *accounts, ("decision", "approve"))
    assert answer.status_code == 422
    assert "The words of this page have changed." in words_of(answer)
    assert world.grant(proposed).status.value == "AWAITING_AUTHORISATION"


def test_counts_have_their_plural_in_spanish() -> None:
    spanish = messages("es")
    said = [spanish.ungettext("%(num)d day", "%(num)d days", number) for number in (0, 1, 2)]
    assert said == ["%(num)d días", "%(num)d día", "%(num)d días"]
    assert [formats.counted(number, "day") for number in (0, 1, 2)] == ["0 days", "1 day", "2 days"]
