"""Row 18, pages and OAuth: nobody sees or changes what is another's, and it answers like what does not exist."""

import io
import itertools
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from broker.audit.reader import Page, of_user
from broker.edge import gates
from broker.edge.visitor import Visitor
from broker.mounts import MOUNT_TABLE
from broker.oauth.requests import Pushed, keep, key_of
from broker.tokens.service import issue_refresh
from tests.support.edge import BASE
from tests.support.memory import folder_in_memory
from tests.support.town import CALLBACK, Town, csrf_token, open_town
from tests.support.town_client import client_post
from tests.support.town_facts import BANKS, PEOPLE

NOBODYS = "00000000-0000-7000-8000-000000000000"
_RANDOM = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[A-Za-z0-9_.-]{90,}|\d\d:\d\d:\d\d"
    r'|name="next" value="[^"]*"'  # the address that was asked for: the way back when a language is chosen
)
_GATES = {mount.blueprint.name: mount.gate for mount in MOUNT_TABLE}
ROLES = ("auditor", "admin")
_ACCESSES = "/console/<bank_id>/log"
_TELLS_ALL = {"/my-sharing", "/history", "/history/proof-pack", "/history/export.csv", "/history/export.json"}
_OF_AN_ENTRY = {"owner", "year", "number"}
JSON = {"Accept": "application/json"}


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    with folder_in_memory() as folder, open_town(folder) as opened:
        for bank in opened.house.banks.values():
            bank.is_lying = False  # type: ignore[attr-defined]  # a consent page shows what the bank says is the person's
        yield opened


@dataclass(frozen=True)
class Someone:
    """Whoever stands behind a browser: nobody, a person or a member of staff of a bank."""

    name: str
    visitor: Visitor | None


def everybody(town: Town) -> list[Someone]:
    people = [Someone(name, town.visitor(name)) for name in PEOPLE]
    staff = [Someone(f"staff of {bank}", Visitor(bank, role.title(), role=role)) for bank in BANKS for role in ROLES]
    return [Someone("nobody", None), *people, *staff]


def page_rules(town: Town, gate: gates.Gate) -> list[Rule]:
    rules = [rule for rule in town.app.url_map.iter_rules() if _GATES.get(rule.endpoint.rpartition(".")[0]) is gate]
    return [rule for rule in rules if "GET" in (rule.methods or ())]


def shape(response: TestResponse) -> tuple[int, str]:
    """Everything of an answer but what is random in it."""
    return response.status_code, _RANDOM.sub("•", response.text)


def everything_in(response: TestResponse) -> str:
    """What is said, also in the files of an archive."""
    if response.mimetype != "application/zip":
        return response.text
    with zipfile.ZipFile(io.BytesIO(response.data)) as archive:
        return "".join(archive.read(name).decode() for name in archive.namelist())


def test_the_pages_of_a_person_show_their_own_and_nothing_else(town: Town) -> None:
    own = {name: {share.grant_id for share in town.shares if share.person == name} for name in PEOPLE}
    for someone in everybody(town):
        browser = town.browser(someone.visitor)
        for rule in page_rules(town, gates.person):
            if rule.arguments:
                continue
            for headers in ({}, JSON):
                response = browser.get(rule.rule, base_url=BASE, headers=headers)
                said = everything_in(response)
                seen = {share.grant_id for share in town.shares if share.grant_id in said}
                assert seen <= own.get(someone.name, set()), (someone.name, rule.rule)
                for name in PEOPLE:
                    assert name == someone.name or f"{name}." not in said, (someone.name, rule.rule)
                if someone.name not in PEOPLE:
                    assert response.status_code in {303, 401, 403}
            if someone.name in PEOPLE and rule.rule in _TELLS_ALL:
                assert seen == own[someone.name], rule.rule


def test_a_consent_page_is_its_own_persons_and_does_not_exist_for_others(town: Town, chance_terms: Any) -> None:
    rules = [rule for rule in page_rules(town, gates.person) if rule.arguments and rule.arguments != _OF_AN_ENTRY]
    assert {rule.rule.split("/")[1] for rule in rules} == {"consent", "my-sharing"}
    assert all(rule.arguments == {"grant_id"} for rule in rules)
    waiting = {name: town.proposes(name, bank, "messenger", chance_terms) for name in PEOPLE for bank in BANKS[:1]}
    decided = [share.grant_id for share in town.shares]
    for someone in everybody(town):
        browser = town.browser(someone.visitor)
        for rule, (owner, grant_id) in itertools.product(
            rules, [*waiting.items(), *((s.person, s.grant_id) for s in town.shares)]
        ):
            path = rule.rule.replace("<uuid:grant_id>", "{}")
            absent = browser.get(path.format(NOBODYS), base_url=BASE, headers=JSON)
            response = browser.get(path.format(grant_id), base_url=BASE, headers=JSON)
            if owner == someone.name:
                assert response.status_code == 200 or path != "/consent/{}"
                assert not [name for name in PEOPLE if name != owner and f"{name}." in response.text]
            else:
                assert shape(response) == shape(absent), (someone.name, owner, path)
        wrong = {path: browser.get(f"/consent/{path}", base_url=BASE).status_code for path in ("x", "%00", "é", "..")}
        assert set(wrong.values()) == {404}, wrong
    assert len(decided) == len(PEOPLE) * len(BANKS) * 2


@pytest.fixture
def chance_terms(town: Town) -> Any:
    catalogue = town.services.catalogue
    terms = tuple(catalogue.categories[name].least() for name in town.categories)
    return catalogue.complete(purpose=catalogue.purposes["chat_banking"], categories=terms)


def test_a_console_is_its_own_staffs_and_shows_its_own_customers(town: Town) -> None:
    for someone in everybody(town):
        browser = town.browser(someone.visitor)
        rules = page_rules(town, gates.staff)
        assert [rule for rule in rules if rule.arguments not in ({"bank_id"}, {"bank_id", *_OF_AN_ENTRY})] == []
        for rule in (rule for rule in rules if rule.arguments == {"bank_id"}):
            for bank in (*BANKS, "operator", "nowhere", "%00"):
                response = browser.get(rule.rule.replace("<bank_id>", bank), base_url=BASE, headers=JSON)
                if someone.name == f"staff of {bank}" and rule.rule.endswith("/confirm"):
                    assert response.status_code in {303, 403}  # nobody has sent a form that it could ask about
                elif someone.name == f"staff of {bank}":
                    assert response.status_code == 200
                    if rule.rule == _ACCESSES:
                        assert {row["bank"] for row in json.loads(response.text)} == {bank}
                    others = [s.grant_id for s in town.shares if s.bank != bank]
                    assert not [grant_id for grant_id in others if grant_id in response.text]
                else:
                    assert response.status_code in {401, 403}
                    assert not [share for share in town.shares if share.grant_id in response.text]


@pytest.mark.parametrize("confirm", [{}, {"confirm": "yes"}])
def test_only_a_banks_own_administrators_change_what_its_console_shows(town: Town, confirm: dict[str, str]) -> None:
    forms = {
        "switches": {"action": "off", "category": "balances", "reason": "Because."},
        "facts": {"version": "0", "maximum_lookback_days": "30", "maximum_frequency_per_day": "1", "reason": "Because."}
        | {"maximum_duration_days": "30"},
    }
    before = town.house.log()
    for someone in everybody(town):
        browser = town.browser(someone.visitor)
        token = csrf_token(browser)
        for bank in (*BANKS, "operator", "nowhere"):
            is_own = someone.visitor is not None and (someone.visitor.role, someone.visitor.bank_id) == ("admin", bank)
            for page, form in forms.items():
                sent = {"csrf_token": token, **form, **confirm}
                path = f"/console/{bank}/{page}"
                if not is_own:
                    answer = browser.post(path, data=sent, base_url=BASE, headers=JSON)
                    assert answer.status_code in {401, 403}, (someone, path)
                elif not confirm:
                    asked = browser.post(path, data=sent, base_url=BASE)
                    assert asked.status_code == 303, (someone, path)
                    assert browser.get(asked.headers["Location"], base_url=BASE).status_code == 200, (someone, path)
    assert town.house.log() == before


def test_a_page_of_changes_offers_its_forms_to_administrators_alone(town: Town) -> None:
    for bank in BANKS:
        for page in ("switches", "facts"):
            for role in ROLES:
                text = town.browser(Visitor(bank, "A", role=role)).get(f"/console/{bank}/{page}", base_url=BASE).text
                assert (f'action="/console/{bank}/{page}"' in text) is (role == "admin"), (bank, page, role)


def test_what_proves_an_entry_is_given_to_its_person_and_its_banks_staff_alone(town: Town) -> None:
    year = town.house.watch().year
    with town.house.database.read() as session:
        seen = {name: of_user(session, town.house.sealer, town.people[name].user_id, Page(500)) for name in PEOPLE}
    own = {
        name: {(entry.bank_id, entry.number) for entry in entries if entry.details} for name, entries in seen.items()
    }
    entries = [max(own[name]) for name in PEOPLE]
    assert len(set(entries)) == len(entries)
    for someone in everybody(town):
        browser = town.browser(someone.visitor)
        absent = shape(browser.get(f"/history/receipts/harbor/{year}/999999", base_url=BASE, headers=JSON))
        for bank, number in entries:
            for rule in ("receipts", "disclosures"):
                response = browser.get(f"/history/{rule}/{bank}/{year}/{number}", base_url=BASE, headers=JSON)
                if (bank, number) in own.get(someone.name, set()):
                    assert response.status_code == 200
                else:
                    assert shape(response) == absent, (someone.name, bank, number)
            for console in BANKS:
                path = f"/console/{console}/receipts/{bank}/{year}/{number}"
                status = browser.get(path, base_url=BASE, headers=JSON).status_code
                if someone.name == f"staff of {console}":
                    assert status == (200 if bank == console else 404)
                else:
                    assert status in {401, 403}


def test_for_staff_another_bank_and_no_bank_answer_alike(town: Town) -> None:
    browser = town.browser(Visitor("harbor", "Audrey", role="auditor"))
    answers = {shape(browser.get(f"/console/{bank}", base_url=BASE)) for bank in ("meridian", "operator", "nowhere")}
    assert len(answers) == 1


@pytest.mark.parametrize("confirm", [None, "yes"])
@pytest.mark.parametrize("action", ["pause", "resume", "revoke"])
def test_acting_on_anothers_grant_is_like_acting_on_none(town: Town, action: str, confirm: str | None) -> None:
    before = [town.house.grant(share.grant_id) for share in town.shares]
    for name in PEOPLE:
        browser = town.browser(town.visitor(name))
        token = csrf_token(browser)
        answers = set()
        own = next(share for share in town.shares if share.person == name and share.fate == "live")
        foreign = [share for share in town.shares if share.person != name]
        parts: list[dict[str, str]] = [{}, {"category": "balances"}, {"account": next(iter(own.accounts))}]
        for grant_id, part in [(s.grant_id, p) for s in foreign for p in parts] + [(NOBODYS, p) for p in parts]:
            form = {"csrf_token": token, "grant": grant_id, "action": action, **part}
            sent = form | ({"confirm": confirm} if confirm else {})
            answers.add(shape(browser.post("/my-sharing", data=sent, base_url=BASE, headers=JSON)))
        assert {status for status, _ in answers} == {404}
        assert len(answers) == 1
        strange = next(iter(foreign[0].accounts))
        form = {"csrf_token": token, "grant": own.grant_id, "action": action, "account": strange, "confirm": "yes"}
        assert browser.post("/my-sharing", data=form, base_url=BASE, headers=JSON).status_code == 404
    assert [town.house.grant(share.grant_id) for share in town.shares] == before


@pytest.mark.parametrize("decision", ["approve", "deny"])
def test_nobody_decides_anothers_request(town: Town, chance_terms: Any, decision: str) -> None:
    grant_id = town.proposes("alice", "harbor", "messenger", chance_terms)
    before = town.house.grant(grant_id)
    for someone in everybody(town):
        if someone.name == "alice":
            continue
        browser = town.browser(someone.visitor)
        form = {"csrf_token": csrf_token(browser), "decision": decision, "category": "balances", "account": "x"}
        asked = [browser.post(f"/consent/{one}", data=form, base_url=BASE, headers=JSON) for one in (grant_id, NOBODYS)]
        assert shape(asked[0]) == shape(asked[1]), someone.name
        assert asked[0].status_code in {401, 403, 404}
    assert town.house.grant(grant_id) == before


def test_to_a_platform_the_tokens_of_another_are_like_no_tokens(town: Town) -> None:
    share = next(share for share in town.shares if share.fate == "live" and share.platform == "messenger")
    access = town.caller(share, town.categories)
    now = town.house.watch()
    with town.house.database.write() as session:
        expires_at = town.house.grant(share.grant_id).expires_at
        about = {"grant_id": share.grant_id, "platform_id": "messenger", "categories": tuple(share.terms)}
        refresh = issue_refresh(session, **about, grant_expires_at=expires_at, now=now)  # type: ignore[arg-type]  # mixed values
    for secret, unknown in ((access.token, "bkr_at_" + "x" * 43), (refresh, "bkr_rt_" + "x" * 43)):
        for path, member, more in (
            ("/oauth/introspect", "token", {}),
            ("/oauth/revoke", "token", {}),
            ("/oauth/token", "refresh_token", {"grant_type": "refresh_token"}),
            ("/oauth/token", "code", {"grant_type": "authorization_code", "redirect_uri": CALLBACK}),
        ):
            theirs, nobodys = (client_post(town, "ledgerly", path, {member: one, **more}) for one in (secret, unknown))
            assert shape(theirs) == shape(nobodys), path
    assert client_post(town, "messenger", "/oauth/introspect", {"token": refresh}).get_json()["active"] is True
    assert town.caller(replace(share), town.categories).get("/v1/accounts").status_code in {200, 403}


def test_an_apps_request_is_the_browsers_that_came_first_and_the_clients_that_pushed_it(
    town: Town, chance_terms: Any
) -> None:
    with town.house.database.write() as session:
        pushed = Pushed("messenger", CALLBACK, "s", "c" * 43, None, chance_terms)
        uri = keep(session, town.house.sealer, pushed, town.house.watch())
    alice, bob = town.browser(town.visitor("alice")), town.browser(town.visitor("bob"))

    def arrives(browser: FlaskClient, client_id: str, request_uri: str) -> TestResponse:
        query = {"client_id": client_id, "request_uri": request_uri}
        return browser.get("/oauth/authorize", query_string=query, base_url=BASE)

    unknown = arrives(bob, "ledgerly", uri[:-4] + "AAAA")
    assert unknown.status_code == 404
    for client_id, one in (("ledgerly", uri), ("nobody", uri), ("messenger", uri[:-4] + "AAAA")):
        assert shape(arrives(bob, client_id, one)) == shape(unknown), client_id
    assert arrives(alice, "messenger", uri).status_code == 303
    assert arrives(bob, "messenger", uri).status_code == 400
    foreign, absent = (
        bob.get("/oauth/authorize/answer", query_string={"request": key}, base_url=BASE)
        for key in (key_of(uri), "0" * 64)
    )
    assert foreign.status_code == 404
    assert shape(foreign) == shape(absent)
