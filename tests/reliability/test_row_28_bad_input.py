"""Rows 23 and 28, item 4: hostile text in every parameter, path, header and cookie of every route; bombs; forgery.

Generated from the application's own routes, schemas and sources. Every answer is sound (`tests.support.hostile`).
"""

import gzip
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random

import pytest
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from broker.edge import gates
from broker.mounts import MOUNT_TABLE
from tests.support.asking import SAFE, Ask, Asker, gate_of, parameter_names
from tests.support.edge import BASE
from tests.support.hostile import CORPUS, HEADERS, leads_home, sound
from tests.support.memory import folder_in_memory
from tests.support.sizes import Size
from tests.support.town import csrf_token, open_town

_TYPICAL_S = 0.25
_ELSEWHERE = (
    *("https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "https:evil.example", "///x"),
    *("/my-sharing//evil.example", "/%0d%0aLocation:%20https://evil.example", "/my-sharing\r\nX-Injected: 1", "/%5cx"),
    *("http://localhost:8400@evil.example", "http://localhost:8400.evil.example", "javascript:alert(1)", "/.evil", "."),
    *("/my-sharing?next=//evil.example", "/history#//evil.example", "/my-sharing/../../evil", "/%2f%2fevil.example"),
)
_LEADING = {"/", "/sign-in", "/my-sharing", "/console", "/console/<bank_id>", "/oauth/authorize"}
_SAYINGS = ("next", "Referer", "Host", "X-Forwarded-Host", "Forwarded", "X-Original-URL", "path")
_TWICE = ('[{"type":"bank_data","type":"bank_data"}]', '[{"type":"bank_data","purpose":"a","purpose":"b"}]')


@pytest.fixture(scope="module")
def asker() -> Iterator[Asker]:
    with folder_in_memory() as folder, open_town(folder) as town:
        yield Asker(town)


def _tampered(asker: Asker, chance: Random, names: list[str]) -> tuple[Ask, str]:
    """A good request of any route with one hostile thing in it."""
    rule, method = chance.choice(asker.rules())
    value, name = chance.choice(CORPUS), chance.choice(names)
    places = ["query", "query", "header", "name", "repeated", "cookie"]
    places += ["form"] * 6 if method not in SAFE else []
    places += ["path"] * 3 if rule.arguments else []
    place = chance.choice(places)
    if place == "path":
        ask = asker.good(rule, method, **{chance.choice(sorted(rule.arguments)): value})
        return ask, place
    ask = asker.good(rule, method)
    if place == "form" and ask.form is not None:
        ask.form[chance.choice([*ask.form, name])] = value
    elif place == "name":
        (ask.form if ask.form is not None else ask.query)[value] = "1"
    elif place == "repeated":
        ask.query.setlist(name, [value, "1"])
        if ask.form:
            ask.form.setlist(chance.choice([*ask.form]), [value, "1"])
    elif place == "header":
        ask.headers[chance.choice(HEADERS)] = _sendable(value)
    elif place == "cookie":
        ask.headers["Cookie"] = f"{asker.cookie}={_sendable(value)}"
    else:
        ask.query[name] = value
    return ask, place


def _sendable(value: str) -> str:
    """What a server would let through as a header: no line ends and NUL, at most 8,000 characters of Latin-1."""
    return value.encode("latin-1", "replace").decode("latin-1").replace("\r", "").replace("\n", "").replace("\0", "")


def test_every_route_has_a_good_request_to_tamper_with(asker: Asker) -> None:
    """A new route, form or path joins the matrix, or this fails."""
    bad = {}
    for rule, method in asker.rules():
        answer = asker.good(rule, method).sends()
        sound(answer)
        told = json.loads(answer.text) if answer.mimetype.endswith("json") else None
        code = told.get("code", "") if isinstance(told, dict) else ""
        if code in {"form-expired", "token-missing", "dpop-proof-invalid", "sign-in-required"} or (
            answer.status_code == 401 and "invalid_client" in answer.text
        ):
            bad[rule.rule] = code
    assert bad == {}
    assert {"page-size", "for", "grant", "code_challenge", "request_uri", "decision"} <= set(parameter_names())


@pytest.mark.timeout(2_400)
def test_hostile_text_anywhere_gets_a_sound_answer(asker: Asker, size: Size) -> None:
    chance, names, times = Random(28), parameter_names(), []
    seen: Counter[str] = Counter()
    for _ in range(size.of(test=400, campaign=20_000)):
        ask, place = _tampered(asker, chance, names)
        start = time.perf_counter()
        answer = ask.sends()
        times.append(time.perf_counter() - start)
        sound(answer)
        seen[place] += 1
    assert len(seen) == 7, seen
    if size.name != "test":
        assert sorted(times)[len(times) * 95 // 100] <= _TYPICAL_S


def _bombs() -> dict[str, Callable[[Ask], None]]:
    deep = "[" * 10_000 + "]" * 10_000

    def member(name: str, value: str) -> Callable[[Ask], None]:
        return lambda ask: (ask.form if ask.form is not None else ask.query).__setitem__(name, value)

    def keys(ask: Ask) -> None:
        many = {f"k{number}": "" for number in range(10_000)}
        (ask.form if ask.form is not None else ask.query).update(many)

    def many_headers(ask: Ask) -> None:
        ask.headers |= {f"X-Bomb-{number}": "x" * 50 for number in range(2_000)}

    return {
        "deep": member("authorization_details", deep),
        "deep object": member("authorization_details", '{"a":' * 10_000),
        "scopes": member("scope", "balances " * 6_000),
        "limit": member("page-size", "1000000000"),
        "digits": member("page-size", "9" * 20_000),
        "keys": keys,
        "headers": many_headers,
        "cookies": lambda ask: ask.headers.__setitem__("Cookie", "; ".join(f"c{n}=1" for n in range(5_000))),
        "jwt": member("client_assertion", "A." * 20_000),
    }


def test_bombs_are_answered_soundly_by_every_route(asker: Asker, size: Size) -> None:
    times = []
    rules = asker.rules()
    deepest = [found for found in rules if found[0].endpoint == "oauth.par"]
    for rule, method in rules if size.name != "test" else [*deepest, *Random(28).sample(rules, 7)]:
        for plant in _bombs().values():
            ask = asker.good(rule, method)
            plant(ask)
            start = time.perf_counter()
            sound(ask.sends())
            times.append(time.perf_counter() - start)
    if size.name != "test":
        assert sorted(times)[len(times) * 95 // 100] <= _TYPICAL_S


def test_bodies_that_are_too_large_are_refused_before_they_are_read(asker: Asker) -> None:
    huge = b"a=" + b"x" * 10_000_000
    packed = gzip.compress(b"a=" + b"x" * 10_000_000)
    form = "application/x-www-form-urlencoded"
    for rule, method in asker.rules():
        if method in {*SAFE, "DELETE"}:  # these read no body
            continue
        for body, more in ((huge, {}), (packed, {"Content-Encoding": "gzip"})):
            ask = asker.good(rule, method)
            ask.body, ask.headers = body, {"Content-Type": form, **ask.headers, **more}
            answer = ask.sends()
            sound(answer)
            assert 400 <= answer.status_code < 500
            assert more or answer.status_code in {400, 413}


@pytest.mark.parametrize("text", [*_TWICE, "[1e999]", "[]"])
def test_json_that_says_a_thing_twice_is_refused(asker: Asker, text: str) -> None:
    rule, method = next(found for found in asker.rules() if found[0].endpoint == "oauth.par")
    ask = asker.good(rule, method)
    assert ask.form is not None
    ask.form["authorization_details"] = text
    answer = ask.sends()
    assert (answer.status_code, json.loads(answer.text)["error"]) == (400, "invalid_authorization_details")


def _code(answer: TestResponse) -> str:
    return str(json.loads(answer.text).get("code", "")) if answer.mimetype.endswith("json") else ""


def test_every_unsafe_page_route_wants_the_token_of_its_own_session(asker: Asker) -> None:
    without_cookies = {gates.client, gates.token, gates.machine, gates.registrant}
    assert {mount.gate for mount in MOUNT_TABLE} >= without_cookies
    tried = 0
    for rule, method in asker.rules():
        if method in SAFE or gate_of(rule) in {*without_cookies, gates.own_page}:
            continue
        other = csrf_token(asker.town.browser(asker.town.visitor("carol")))
        forged = {"none": None, "empty": "", "made up": "x", "another session's": other, "cut": "ImEi.x.y"}
        for token in forged.values():
            ask = asker.good(rule, method)
            assert ask.form is not None
            ask.form = MultiDict({**ask.form, "csrf_token": token} if token is not None else {"bank": "harbor"})
            ask.headers["Accept"] = "application/json"
            assert (ask.sends().status_code, _code(ask.sends())) == (400, "form-expired"), rule.rule
        for name, value in (
            *(("Origin", one) for one in ("https://evil.example", "null", "", f"{BASE}.evil.example", f"{BASE}/")),
            *(("Sec-Fetch-Site", one) for one in ("cross-site", "same-site", "x")),
        ):
            ask = asker.good(rule, method)
            ask.headers |= {"Accept": "application/json", name: value}
            assert _code(ask.sends()) == "form-expired", (rule.rule, name, value)
        ask = asker.good(rule, method)
        ask.headers["Accept"] = "application/json"
        assert _code(ask.sends()) != "form-expired", rule.rule
        tried += 1
    assert tried >= 5


def test_a_form_without_a_token_counts_only_when_the_browser_says_that_it_stood_here(asker: Asker) -> None:
    own = [(rule, method) for rule, method in asker.rules() if gate_of(rule) is gates.own_page and method not in SAFE]
    assert own != []
    for rule, method in own:
        for headers in (
            {},
            *({"Origin": one} for one in ("https://evil.example", "null", "", f"{BASE}.evil.example", f"{BASE}/")),
            *({"Sec-Fetch-Site": one} for one in ("cross-site", "same-site", "none", "x")),
        ):
            ask = asker.good(rule, method)
            ask.headers = {**headers, "Accept": "application/json"}
            assert _code(ask.sends()) == "form-expired", (rule.rule, headers)
        assert asker.good(rule, method).sends().status_code == 303


def test_a_session_that_a_stranger_has_chosen_is_not_taken(asker: Asker) -> None:
    name = asker.cookie
    for secret in ("fixed", "bkr_ws_" + "A" * 43, "", "\x01"):
        answer = asker.town.app.test_client().get("/console", base_url=BASE, headers={"Cookie": f"{name}={secret}"})
        sound(answer)
        assert f"{name}={secret};" not in answer.headers.get("Set-Cookie", "")
        assert f"{name}=bkr_" in answer.headers.get("Set-Cookie", "")


@pytest.mark.parametrize(
    "place", ["next", "Referer", "Host", "X-Forwarded-Host", "Forwarded", "X-Original-URL", "path"]
)
@pytest.mark.fapi(11)
def test_nothing_that_a_caller_says_leads_the_browser_elsewhere(asker: Asker, place: str) -> None:
    for target in _ELSEWHERE:
        for rule, method in asker.rules():
            if method != "GET" or gate_of(rule) is gates.token:
                continue
            if rule.rule not in _LEADING:
                continue
            ask = asker.good(rule, method)
            if place == "path":
                ask.path = "/" + target.replace("\r\n", "%0d%0a").replace("?", "%3f")
            elif place == "next":
                ask.query["next"] = target
            else:
                ask.headers[place] = _sendable(target)
            answer = ask.sends()
            sound(answer)
            assert "//evil" not in answer.headers.get("Location", "")
    leads_home("/my-sharing")


def test_the_check_of_redirects_knows_what_is_elsewhere() -> None:
    for target in ("https://evil.example", "//evil.example", "/\\evil.example", f"{BASE}.evil.example/", "evil"):
        with pytest.raises(AssertionError):
            leads_home(target)
