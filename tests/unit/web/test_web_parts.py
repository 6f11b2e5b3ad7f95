"""Which pages let htmx bring a part of them, and that these alone may run scripts and fetch."""

import json
import re

import pytest
from web_world import Browser, World, words_of

PARTED = ("/history", "/my-sharing", "/console/harbor/log")
WHOLE = ("/", "/about/data", "/history/charts", "/history/map", "/account", "/account/inbox", "/my-sharing/banks")
WHOLE_OF_STAFF = ("/console/harbor", "/console/harbor/switches", "/console/harbor/facts", "/console/harbor/log-health")


@pytest.fixture
def staff(world: World) -> Browser:
    browser = world.browser()
    assert browser.signs_in_as_staff().status_code == 303
    return browser


@pytest.mark.parametrize("path", PARTED)
def test_a_page_with_parts_has_each_of_what_they_need_and_runs_nothing_from_text(
    maya: Browser, staff: Browser, path: str
) -> None:
    page = (staff if path.startswith("/console") else maya).get(path)
    policy = page.headers["Content-Security-Policy"].split("; ")
    assert {"script-src 'self'", "connect-src 'self'", "style-src 'self'", "default-src 'none'"} <= set(policy)
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert page.text.count('id="found"') == page.text.count('id="announced"') == 1
    config = json.loads(re.findall(r"htmx-config\" content='([^']+)'", page.text)[0])
    assert not config["allowEval"] | config["allowScriptTags"] | config["includeIndicatorStyles"]
    assert (config["historyCacheSize"], config["selfRequestsOnly"]) == (0, True)


@pytest.mark.parametrize("path", PARTED)
def test_every_part_is_asked_for_where_the_link_or_form_leads_anyway(maya: Browser, staff: Browser, path: str) -> None:
    page = words_of((staff if path.startswith("/console") else maya).get(f"{path}?decision=refused&q=nothing"))
    leads = re.findall(r'(?:href|action)="([^"]*)" (?:role="search" )?hx-get="([^"]*)"', page)
    assert page.count("hx-get") == len(leads) > 0
    assert all(whole == part for whole, part in leads)
    assert not re.findall(r"hx-(?:post|put|patch|delete|on|vals|vars|headers|trigger|boost)", page)


def test_no_other_page_may_run_a_script_or_fetch(maya: Browser, staff: Browser) -> None:
    pages = [*map(maya.get, WHOLE), *map(staff.get, WHOLE_OF_STAFF)]
    assert {page.status_code for page in pages} == {200}
    policies = {page.headers["Content-Security-Policy"] for page in pages}
    assert not [policy for policy in policies if "script-src" in policy or "connect-src" in policy]
