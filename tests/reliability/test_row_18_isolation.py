"""Row 18: a platform reads exactly what the grant names; what is not its own answers like what does not exist.

Generated: every data route and every page of the application, every grant of a small town, every account of anybody.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote

import pytest
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from broker.api.routes import CATEGORIES
from tests.support.core import ANSWERS
from tests.support.edge import Platform
from tests.support.memory import folder_in_memory
from tests.support.sizes import Size
from tests.support.town import Share, Town, open_town
from tests.support.town_facts import OWNED, SEEN, Owned, TownBank

STRANGE = ("A" * 22, "x", "nothing-like-this", "é", "' OR 1=1--", "a" * 500, "\x00", "%2e%2e", "ref-1", "alice-0")
_AS_SENT = ":@!$&'()*+,;=~"
_TERMINAL = {"revoked": "grant-revoked", "expired": "grant-expired"}
_OWN_IDS = {"transactionId", "cardTransactionId"}
METHODS = ("HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND")


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    with folder_in_memory() as folder, open_town(folder) as opened:
        yield opened


@dataclass(frozen=True)
class Cell:
    """One call: under a grant, with a token of these categories, of a route, for an account (None: the list)."""

    share: Share
    categories: tuple[str, ...]
    rule: Rule
    account_id: str | None

    @property
    def category(self) -> str:
        return CATEGORIES[self.rule.endpoint]

    @property
    def path(self) -> str:
        return self.rule.rule.replace("<account_id>", quote(self.account_id or "", safe=_AS_SENT))


def data_rules(town: Town) -> list[Rule]:
    return [rule for rule in town.app.url_map.iter_rules() if rule.endpoint.startswith("api.")]


def cells(town: Town, most: int) -> Iterator[Cell]:
    """Yield all cells, or of the accounts that are not the grant's own only `most` for each route of each token."""
    chance = Random(18)
    for share in town.shares:
        for categories in dict.fromkeys((town.categories, tuple(share.terms)[:1], ())):
            for rule in data_rules(town):
                assert rule.arguments <= {"account_id"}, f"the matrix does not know what {rule.rule} names"
                # What a narrowed token may is decided before any account: fewer of them do.
                strangers = most if categories == town.categories else most // 3
                yield from _cells_of(share, categories, rule, (*town.ids, *STRANGE), chance, strangers)


def _cells_of(
    share: Share, categories: tuple[str, ...], rule: Rule, everybodys: tuple[str, ...], chance: Random, most: int
) -> Iterator[Cell]:
    if not rule.arguments:
        yield Cell(share, categories, rule, None)
        return
    others = [account_id for account_id in everybodys if account_id not in share.accounts]
    for account_id in (*share.accounts, *chance.sample(others, min(most, len(others)))):
        yield Cell(share, categories, rule, account_id)


def expected(cell: Cell) -> tuple[int, str] | list[dict[str, Any]]:
    """The oracle: what must come back, from the grant alone."""
    share, category = cell.share, cell.category
    if share.fate in _TERMINAL:
        return 401, _TERMINAL[share.fate]
    if share.fate == "paused":
        return 403, "grant-paused"
    if share.fate in {"category-revoked", "category-paused"} and share.ended == category:
        return 403, share.fate
    if category not in share.terms or category not in cell.categories:
        return 403, "category-not-granted"
    live = share.live_accounts()
    named = live if cell.account_id is None else {k: v for k, v in live.items() if k == cell.account_id}
    if not named:
        return 403, "account-not-granted"
    return [seen for account_id, owned in named.items() for seen in _seen(cell, account_id, owned)]


def _seen(cell: Cell, account_id: str, owned: Owned) -> list[dict[str, Any]]:
    assert cell.category in SEEN, f"the oracle does not know what the category {cell.category} shows"
    term = cell.share.terms[cell.category]
    return [{**record, "accountId": account_id} for record in SEEN[cell.category](owned, term)]


def told(response: TestResponse) -> tuple[int, str] | list[dict[str, Any]]:
    """What came back: status and code, or the records without the ids of their own."""
    body = json.loads(response.text)
    if response.status_code != 200:
        return response.status_code, body["code"]
    data = body["data"]
    lists = [value for value in data.values() if isinstance(value, list)]
    found: list[dict[str, Any]] = lists[0] if lists else [data]
    assert len(data) == 1 or not lists
    return [{name: value for name, value in record.items() if name not in _OWN_IDS} for record in found]


def sorted_text(value: Any) -> Any:
    return sorted(json.dumps(one, sort_keys=True) for one in value) if isinstance(value, list) else value


def shape(response: TestResponse) -> tuple[Any, ...]:
    """Everything of an answer but the ids of this very request."""
    body = json.loads(response.text)
    body.pop("instance", None)
    headers = {name: value for name, value in response.headers if name not in {"x-fapi-interaction-id", "Date"}}
    headers.pop("Content-Length", None)
    return response.status_code, json.dumps(body, sort_keys=True), json.dumps(headers, sort_keys=True)


def test_the_town_has_every_category_granted_here_and_not_there(town: Town) -> None:
    assert {CATEGORIES[rule.endpoint] for rule in data_rules(town)} == set(town.categories) == set(SEEN)
    for name in town.categories:
        assert {name in share.terms for share in town.shares if share.fate == "live"} == {True, False}, name


def test_every_cell_of_the_matrix_answers_what_the_grant_names(town: Town, size: Size) -> None:
    callers: dict[tuple[str, tuple[str, ...]], Platform] = {}
    refused: dict[tuple[Any, ...], dict[tuple[Any, ...], str | None]] = {}
    outcomes: dict[str, int] = {}
    for cell in cells(town, size.of(test=3, campaign=1_000)):
        key = (cell.share.grant_id, cell.categories)
        caller = callers.get(key) or callers.setdefault(key, town.caller(cell.share, cell.categories))
        response = caller.get(cell.path)
        wanted = expected(cell)
        assert sorted_text(told(response)) == sorted_text(wanted), (cell, response.text)
        outcome = wanted[1] if isinstance(wanted, tuple) else cell.category
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
        own = cell.share.accounts if cell.share.fate.startswith("account-") else ()
        if isinstance(wanted, tuple) and cell.account_id not in own:
            refused.setdefault((*key, cell.rule.rule), {}).setdefault(shape(response), cell.account_id)
    # Foreign, removed long ago, of the other platform, of the other bank, made up or malformed: one answer.
    assert {key: list(shapes.values()) for key, shapes in refused.items() if len(shapes) > 1} == {}
    assert set(town.categories) <= set(outcomes), outcomes
    assert len(outcomes) == len(town.categories) + 7, outcomes


def test_what_a_refusal_says_is_the_same_for_an_account_that_is_not_shared_and_for_none(town: Town) -> None:
    """Also across routes and grants: nothing in it depends on what was named."""
    share = next(share for share in town.shares if share.fate == "account-removed")
    caller = town.caller(share, town.categories)
    answers = set()
    for rule in data_rules(town):
        if rule.arguments and CATEGORIES[rule.endpoint] in share.terms:
            for account_id in (share.ended, "A" * 22, next(i for i in town.ids if i not in share.accounts)):
                answers.add(shape(caller.get(Cell(share, (), rule, account_id).path)))
    assert len({(status, body) for status, body, _ in answers}) == 1


@pytest.mark.parametrize("method", METHODS)
def test_no_other_method_reads_or_changes_anything(town: Town, method: str) -> None:
    share = next(share for share in town.shares if share.fate == "live")
    caller = town.caller(share, town.categories)
    before = len(town.house.log())
    for rule in data_rules(town):
        path = Cell(share, town.categories, rule, next(iter(share.accounts))).path
        headers = {"Authorization": f"DPoP {caller.token}", "DPoP": caller.proof(path, method=method)}
        response = caller.http.open(path, method=method, headers=headers)
        if method == "HEAD":
            assert response.data == b""
        else:
            assert (response.status_code, json.loads(response.text)["code"]) == (405, "method-not-allowed")
            assert len(town.house.log()) == before


def test_a_value_of_another_person_never_leaves_even_when_the_bank_sends_it(town: Town) -> None:
    for share in town.shares:
        caller = town.caller(share, town.categories)
        mine = {owned.tag for owned in share.live_accounts().values()}
        others = {owned.tag for owned in town.ids.values()} - mine
        for rule in data_rules(town):
            if not rule.arguments:
                text = caller.get(rule.rule).text
                assert not [tag for tag in others if tag in text], (share, rule.rule)


def test_a_question_is_answered_about_nobody_else(town: Town) -> None:
    bank = town.house.banks["harbor"]
    assert isinstance(bank, TownBank)
    bank.is_lying = False
    terms = town.terms(ANSWERS, Random(18), lookback_days=60)
    share = town.shares_with("alice", "harbor", "messenger", terms, (0,))
    bank.is_lying = True
    caller = town.caller(share, ANSWERS)
    for account_id in (*(one for one in town.ids if one not in share.accounts), *STRANGE):
        answer = caller.post("/v1/answers/balance", {"accountId": account_id, "atLeast": "10", "currency": "GBP"})
        refused = (answer.status_code, json.loads(answer.text)["code"])
        assert refused == ((403, "account-not-granted") if len(account_id) <= 128 else (400, "invalid-request"))
    (mine,) = share.accounts.values()
    for owned in (mine, *Random(18).sample([one for one in OWNED if one != mine], 3)):
        place = {"country": "GB", "townName": owned.town}
        answer = caller.post("/v1/answers/location", {"place": place, "since": "P3D"})
        assert json.loads(answer.text)["data"]["answer"] == ("yes" if owned == mine else "no"), owned


def test_no_grant_without_answers_is_answered_whatever_became_of_it(town: Town) -> None:
    """The oracle of the matrix, for the routes whose account stands in a body."""
    rules = [rule for rule in town.app.url_map.iter_rules() if rule.endpoint.startswith("answers.")]
    assert {CATEGORIES[rule.endpoint] for rule in rules} == set(ANSWERS)
    where = {"place": {"country": "GB"}, "since": "P1D"}
    for share in town.shares:
        caller = town.caller(share, (*town.categories, *ANSWERS))
        for rule in rules:
            for account_id in (*share.accounts, next(one for one in town.ids if one not in share.accounts)):
                how_much = {"accountId": account_id, "atLeast": "10", "currency": "GBP"}
                answer = caller.post(rule.rule, how_much if rule.endpoint == "answers.balance" else where)
                assert told(answer) == expected(Cell(share, ANSWERS, rule, account_id)), (share, rule, answer.text)
        for method in {*METHODS, "GET"} - {"POST", "HEAD"}:
            answer = caller.http.open(rules[0].rule, method=method)
            assert (answer.status_code, json.loads(answer.text)["code"]) == (405, "method-not-allowed")


def test_nobody_elses_canary_stands_in_the_database(town: Town) -> None:
    stored = town.house.stored_bytes()
    assert not [owned.tag for owned in town.ids.values() if owned.tag.encode() in stored]
