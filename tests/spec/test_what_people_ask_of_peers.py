"""What people have asked other authorization servers for, for years: each wish is a test of its own."""

import json
import re
from random import Random

import pytest
from werkzeug.datastructures import MultiDict

from broker.crypto.digests import base64url
from tests.support.platform_client import details
from tests.support.town import csrf_token
from tests.support.town_flow import BALANCES, Flow, landed, told

_ROUTES = (BALANCES, "/v1/accounts/{account}/balance", "/v1/accounts/{account}/transactions")


@pytest.mark.parametrize("route", _ROUTES)
@pytest.mark.parametrize("by", ["the page", "the service"])
def test_revoking_kills_live_tokens_at_once(messenger: Flow, route: str, by: str) -> None:
    share = messenger.share("balances", "transactions")
    token = messenger.tokens(share)["access_token"]
    path = route.replace("{account}", next(iter(share.accounts)))
    assert messenger.calls(token, path).status_code == 200
    if by == "the page":
        browser = messenger.town.browser(messenger.town.visitor("alice"))
        form = {"csrf_token": csrf_token(browser), "grant": share.grant_id, "action": "revoke", "confirm": "yes"}
        assert browser.post("/my-sharing", data=form).status_code == 303
    else:
        messenger.town.ends(share, "revoked")
    assert told(messenger.calls(token, path)) == (401, "grant-revoked")


@pytest.mark.fapi(86)
def test_exactly_one_grant_is_revoked_and_nothing_else(messenger: Flow) -> None:
    shares = [messenger.share("balances") for _ in range(3)]
    tokens = [messenger.tokens(share) for share in shares]
    messenger.town.ends(shares[1], "revoked")
    assert [messenger.calls(one["access_token"]).status_code for one in tokens] == [200, 401, 200]
    assert [messenger.refreshes(one["refresh_token"]).status_code for one in tokens] == [200, 400, 200]


def test_a_page_says_which_app_has_what_since_when_and_when_it_was_last_used(messenger: Flow) -> None:
    share = messenger.share("balances")
    assert messenger.calls(messenger.tokens(share)["access_token"]).status_code == 200
    browser = messenger.town.browser(messenger.town.visitor("alice"))
    answer = browser.get("/my-sharing", headers={"Accept": "application/json"})
    (card,) = [one for one in json.loads(answer.text) if one["grant_id"] == share.grant_id]
    assert (card["platform"], card["bank"], card["status"]) == ("messenger", "harbor", "ACTIVE")
    assert card["time"]
    (category,) = card["categories"]
    assert (category["category"], category["useCount"]) == ("balances", 1)
    assert category["lastUse"]


@pytest.mark.parametrize("second", ["scope", "details"])
def test_no_permission_is_added_silently_to_a_grant_that_stands(messenger: Flow, second: str) -> None:
    """A second request is a second proposal: the first grant and its tokens stay as they were."""
    first = messenger.share("balances")
    tokens = messenger.tokens(first)
    more = {"scope": "balances transactions", "authorization_details": None} if second == "scope" else {}
    browser = messenger.town.browser(None)
    page = messenger.reaches_consent(browser, messenger.pushes(**more))
    assert first.grant_id not in page
    assert messenger.town.house.grant(first.grant_id).terms.category_names == ("balances",)
    assert json.loads(messenger.refreshes(tokens["refresh_token"]).text)["scope"] == "balances"
    assert told(messenger.refreshes(tokens["refresh_token"], scope="balances transactions")) == (400, "invalid_scope")


_NAMES = ("accounts", "balances", "transactions", "card_locations")


@pytest.mark.parametrize("left_out", _NAMES)
@pytest.mark.fapi(73)
def test_each_entry_is_shown_and_decided_alone_and_what_is_left_out_asks_nobody_again(
    messenger: Flow, left_out: str
) -> None:
    browser = messenger.town.browser(None)
    pushed = messenger.pushes(authorization_details=json.dumps(details(*_NAMES)))
    path = messenger.reaches_consent(browser, pushed)
    page = browser.get(path).text
    kept = [name for name in _NAMES if name != left_out]
    assert all(f'value="{name}"' in page for name in _NAMES)
    account = _accounts_of(page)[0]
    form = MultiDict([*(("category", name) for name in kept), ("account", account), ("duration", "30")])
    form.update({"history": "30", "detail": "basic", "precision": "town"})
    form.update({"csrf_token": csrf_token(browser), "decision": "approve"})
    decided = browser.post(path, data=form)
    answer = browser.get(decided.headers["Location"])
    told_now = json.loads(messenger.redeems(landed(answer)["code"]).text)
    assert told_now["scope"].split() == kept
    (granted,) = told_now["authorization_details"]
    assert [one["name"] for one in granted["categories"]] == kept
    # The platform knows what it did not get, and asking again with the same token changes nothing.
    assert told(messenger.refreshes(told_now["refresh_token"], scope=left_out)) == (400, "invalid_scope")


def _accounts_of(page: str) -> list[str]:
    return re.findall(r'name="account"[^>]*value="([^"]+)"', page)


@pytest.mark.parametrize("named_by", ["header", "parameter", "both"])
@pytest.mark.fapi(68)
def test_the_key_that_a_pushed_request_names_binds_the_code(messenger: Flow, named_by: str) -> None:
    jkt = messenger.client.dpop_key.thumbprint()
    fields = {"dpop_jkt": jkt} if named_by != "header" else {}
    browser = messenger.town.browser(None)
    pushed = messenger.pushes(proof="" if named_by == "parameter" else None, **fields)
    path = messenger.reaches_consent(browser, pushed)
    account = _accounts_of(browser.get(path).text)[0]
    decided = messenger.decides(
        browser, path, "approve", category="balances", account=account, duration="30", history="30"
    )
    code = landed(browser.get(decided.headers["Location"]))["code"]
    thief = messenger.with_new_key()
    assert told(thief.redeems(code)) == (400, "invalid_grant")
    assert messenger.redeems(code).status_code == 200


def test_two_keys_for_one_pushed_request_are_refused(messenger: Flow) -> None:
    other = base64url(Random(1).randbytes(32))
    assert told(messenger.pushes(dpop_jkt=other)) == (400, "invalid_dpop_proof")
