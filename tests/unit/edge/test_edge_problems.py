"""How errors and answers leave: one table, no leaks, the same headers and an id on all of them."""

import re
from collections.abc import Callable

import pytest
import structlog
from flask import Flask
from werkzeug.test import TestResponse

from broker import errors
from broker.edge.problems import TABLE, status_of
from broker.errors import BrokerError, ReleaseRefused
from tests.support.core import House
from tests.support.edge import BASE, app_of, problem

ID = "12345678-90ab-4cde-8f00-1234567890ab"
HEADER = "x-fapi-interaction-id"


@pytest.fixture
def app(house: House) -> Flask:
    built = app_of(house)

    def boom() -> str:
        raise RuntimeError("secret-canary in an exception")

    def refuse(name: str) -> str:
        error: type[BrokerError] = getattr(errors, name)
        raise error

    def form() -> str:
        return "saved"

    built.add_url_rule("/v1/t/boom", "t_api_boom", boom)
    built.add_url_rule("/t/boom", "t_boom", boom)
    built.add_url_rule("/v1/t/refuse/<name>", "t_refuse", refuse)
    built.add_url_rule("/t/form", "t_form", form, methods=["POST"])
    return built


KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, BrokerError)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_has_a_line_in_the_table(kind: type[BrokerError]) -> None:
    assert kind in TABLE
    assert status_of(kind()) == TABLE[kind]
    assert kind.code
    assert kind.detail


def test_an_error_of_a_new_kind_is_told_as_its_nearest_ancestor() -> None:
    class Special(ReleaseRefused):
        """A refusal that the table does not name."""

    assert status_of(Special()) == TABLE[ReleaseRefused]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not ReleaseRefused], ids=lambda kind: kind.__name__)
def test_an_error_of_the_api_is_told_as_a_problem(app: Flask, kind: type[BrokerError]) -> None:
    response = app.test_client().get(f"/v1/t/refuse/{kind.__name__}")
    assert problem(response) == (TABLE[kind][0], kind.code)
    assert ("Retry-After" in response.headers) is (response.status_code in {429, 503})


@pytest.mark.parametrize("path", ["/v1/t/boom", "/t/boom"])
def test_an_unknown_exception_is_told_as_an_id_and_nothing_else(app: Flask, path: str) -> None:
    response = app.test_client().get(path)
    assert response.status_code == 500
    assert "canary" not in response.text
    assert "RuntimeError" not in response.text
    assert "Traceback" not in response.text
    assert response.headers[HEADER] in response.text
    assert "internal-error" in response.text


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/no-such", 404, "not-found"),
        ("POST", "/v1/accounts", 405, "method-not-allowed"),
        ("DELETE", "/v1/accounts/x/balance", 405, "method-not-allowed"),
        ("GET", "/.well-known/no-such", 404, "not-found"),
        ("GET", "/oauth/grants", 404, "not-found"),
        ("GET", "/oauth/grants/", 404, "not-found"),
        ("DELETE", "/oauth/grants", 404, "not-found"),
        ("GET", "/v1", 404, "not-found"),
    ],
)
def test_a_wrong_address_or_method_is_a_problem_too(app: Flask, method: str, path: str, status: int, code: str) -> None:
    response = app.test_client().open(path, method=method)
    assert problem(response) == (status, code)
    if status == 405:
        assert "GET" in response.headers["Allow"]


def test_a_body_that_is_too_large_is_refused(app: Flask) -> None:
    response = app.test_client().post("/t/form", data={"x": "y" * 2_000}, headers={"Accept": "application/json"})
    assert response.status_code in {400, 413}
    assert problem(response)[1] in {"body-too-large", "form-expired"}


def test_a_page_says_the_same_in_html(app: Flask) -> None:
    response = app.test_client().get("/no-such-page", headers={"Accept": "text/html"})
    assert (response.status_code, response.mimetype) == (404, "text/html")
    assert response.headers[HEADER] in response.text


@pytest.mark.parametrize(
    ("given", "is_echoed"), [(ID, True), (ID.upper(), True), ("", False), ("x", False), (ID + "0", False)]
)
def test_a_good_interaction_id_is_echoed_and_another_replaced(app: Flask, given: str, is_echoed: bool) -> None:
    echoed = app.test_client().get("/healthz", headers={HEADER: given}).headers[HEADER]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", echoed)
    assert (echoed == given.strip().lower()) is is_echoed


def test_every_answer_carries_the_security_headers(app: Flask) -> None:
    for path in ("/", "/v1/t/boom", "/no-such", "/healthz"):
        headers = app.test_client().get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Cache-Control"] == "no-store"
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'self'" in policy
        assert "Strict-Transport-Security" not in headers
        assert "Server" not in headers


def test_with_tls_the_browser_is_told_to_stay_with_it(house: House) -> None:
    headers = app_of(house, "https://broker.example").test_client().get("/healthz").headers
    assert headers["Strict-Transport-Security"].startswith("max-age=63072000")


def _posts(app: Flask, **headers: str) -> TestResponse:
    return app.test_client().post("/t/form", headers={"Accept": "application/json", **headers})


def test_a_form_without_its_token_is_refused(app: Flask) -> None:
    assert problem(_posts(app, Origin=BASE)) == (400, "form-expired")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": BASE + ".evil.example"},
        {"Origin": BASE.replace("http", "https")},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "nonsense", "Origin": BASE},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/my-sharing/act", "/my-sharing", "/sign-in", "/sign-out"])
def test_a_request_from_another_site_changes_nothing(app: Flask, headers: dict[str, str], path: str) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    browser = app.test_client()
    browser.get("/t/enter/harbor/person")
    response = browser.post(path, headers={"Accept": "application/json", **headers})
    assert response.status_code in {400, 404, 405}
    assert browser.get("/t/whoami").json["visitor"] is not None  # type: ignore[index]  # the answer is an object


def test_the_gate_of_the_pages_refuses_other_origins_by_itself(app: Flask) -> None:
    from broker.edge.csrf import check_origin  # noqa: PLC0415 - only here it is called by itself

    def allowed(method: str, **headers: str) -> bool:
        with app.test_request_context("/", method=method, headers=headers):
            try:
                check_origin()
            except errors.FormExpired:
                return False
            return True

    assert allowed("POST")
    assert allowed("POST", Origin=BASE)
    assert allowed("POST", **{"Origin": BASE, "Sec-Fetch-Site": "same-origin"})
    assert allowed("POST", **{"Sec-Fetch-Site": "none"})
    assert allowed("GET", Origin="http://evil.example")
    for origin in ("http://evil.example", "null", "", BASE + "/", BASE + ":80", BASE.upper()):
        assert not allowed("POST", Origin=origin)
    for site in ("cross-site", "same-site", ""):
        assert not allowed("PUT", **{"Sec-Fetch-Site": site})


@pytest.mark.parametrize("path", ["/healthz", "/t/whoami", "/my-sharing", "/"])
def test_a_database_that_is_gone_is_told_as_503_to_a_browser_with_a_session(
    app: Flask, house: House, path: str
) -> None:
    browser = app.test_client()
    browser.get("/t/enter/harbor/person")
    house.runs("DROP TABLE web_sessions")
    response = browser.get(path, headers={"Accept": "application/json"})
    assert problem(response) == (503, "storage-unavailable")


@pytest.mark.parametrize(
    ("role", "path", "status", "link"),
    [
        ("person", "/nowhere", 404, "/account"),
        ("person", "/history?decision=nonsense", 400, "/account"),
        ("admin", "/nowhere", 404, "/console/harbor/switches"),
        ("admin", "/console/meridian", 403, "/console/harbor/switches"),
        ("person", "/t/boom", 500, "/account"),
    ],
)
def test_an_error_page_knows_who_is_signed_in(app: Flask, role: str, path: str, status: int, link: str) -> None:
    browser = app.test_client()
    browser.get(f"/t/enter/harbor/{role}")
    page = browser.get(path)
    is_known = status < 500  # what has failed unknown may be the very thing that says who it is
    assert (page.status_code, "Signed in as <strong>Alice</strong>" in page.text) == (status, is_known)
    assert (f'href="{link}"' in page.text) is is_known
    assert ('form id="sign-out"' in page.text) is is_known


@pytest.mark.parametrize("path", ["/nowhere", "/my-sharing", "/history?decision=nonsense"])
def test_a_failing_database_still_gives_the_page_that_says_so(app: Flask, house: House, path: str) -> None:
    browser = app.test_client()
    browser.get("/t/enter/harbor/person")
    house.runs("DROP TABLE user_moves")  # with which it is asked whether somebody is still who they were
    page = browser.get(path)
    assert page.status_code == (404 if path == "/nowhere" else 503)
    assert "<h1>" in page.text
    assert "Signed in as" not in page.text


def test_a_session_that_cannot_be_stored_is_told_as_503(app: Flask, house: House) -> None:
    house.runs("DROP TABLE web_sessions")
    response = app.test_client().get("/t/enter/harbor/person", headers={"Accept": "application/json"})
    assert problem(response) == (503, "storage-unavailable")


def no_database(house: House) -> None:
    house.database.close()
    house.store.vanishes()


def a_folder_in_its_place(house: House) -> None:
    no_database(house)
    (house.folder / "broker.db").mkdir()


def an_old_revision(house: House) -> None:
    house.runs("UPDATE alembic_version SET version_num = '0000'")


def no_keys(house: House) -> None:
    (house.folder / "keys.json").unlink()


def keys_for_all(house: House) -> None:
    (house.folder / "keys.json").chmod(0o644)


NOT_READY: dict[str, tuple[Callable[[House], None], str]] = {
    "no database": (no_database, "storage-unavailable"),
    "a folder in its place": (a_folder_in_its_place, "storage-unavailable"),
    "an old revision": (an_old_revision, "database-revision"),
    "no keys": (no_keys, "keys-unusable"),
    "keys that all can read": (keys_for_all, "keys-unusable"),
}


@pytest.mark.parametrize("fault", list(NOT_READY))
def test_what_keeps_the_broker_from_serving_is_told_as_a_code_and_nothing_else(
    app: Flask, house: House, fault: str
) -> None:
    client = app.test_client()
    assert client.get("/readyz").json == {"status": "ready"}
    break_it, code = NOT_READY[fault]
    break_it(house)
    response = client.get("/readyz")
    assert problem(response) == (503, code)
    assert "Retry-After" in response.headers
    assert str(house.folder) not in response.text
    assert client.get("/healthz").json == {"status": "ok"}
    if fault == "no database":
        assert not (house.folder / "broker.db").exists(), "asking must not make an empty database"


def test_a_line_of_a_request_never_carries_facts_of_another(app: Flask, house: House) -> None:
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        browser = app.test_client()
        browser.get("/t/enter/harbor/person")
        house.runs("DROP TABLE web_sessions")
        browser.get("/t/whoami", headers={HEADER: ID})
    assert [line["interaction_id"] == ID for line in lines] == [False, True, True]
    assert [line["event"] for line in lines] == ["request.answered", "request.refused", "request.answered"]
    assert (lines[-1]["status"], lines[-1]["code"]) == (503, "storage-unavailable")


@pytest.mark.parametrize("sent", [f"{ID}\n{{}}", f"{ID} x", "a" * 36, f'{ID}", "level": "x', "\u2028" + ID])
def test_nobody_writes_a_line_of_their_own_with_an_interaction_id(app: Flask, sent: str) -> None:
    environ = {"HTTP_X_FAPI_INTERACTION_ID": sent, "REQUEST_METHOD": "EVIL"}
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        app.test_client().get("/no/such?a=canary", environ_overrides=environ)
    assert {line["interaction_id"] for line in lines} & {sent} == set()
    assert {(line["method"], line["route"]) for line in lines[1:]} <= {("other", "none"), ("other", None)}
    assert "canary" not in repr(lines)
