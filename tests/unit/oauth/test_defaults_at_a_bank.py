"""Figures that an app leaves to the defaults are cut to the bank's ceilings; figures that it names are not touched."""

from dataclasses import replace

import pytest
from oauth_app import ASKED, location
from oauth_world import World
from test_pushed_requests import details, is_refused

from broker.banks import facts as bank_facts


def lowers(world: World, bank: str = "harbor", **figures: int) -> None:
    bounds = world.services.catalogue.banks[bank]
    with world.services.database.write() as session:
        after = bank_facts.newest_version(session, bank)
        wished = replace(bounds, **figures)
        sealer, now = world.services.sealer, world.watch()
        bank_facts.keep(session, sealer, bounds, wished, after=after, author="Ada", reason="why", now=now)


@pytest.fixture
def low(world: World) -> World:
    lowers(world, maximum_lookback_days=14, maximum_frequency_per_day=2)
    return world


@pytest.mark.parametrize("bank", ["harbor", None])
def test_a_default_above_the_ceiling_is_cut_and_so_the_person_reads_it(low: World, bank: str | None) -> None:
    asked = low.grant(low.reaches_consent(low.browser(), authorization_details=details(bank=bank))).terms
    assert (asked.duration_days, asked.lookback_days, asked.frequency_per_day, asked.data_life_days) == (90, 14, 2, 30)


def test_plain_scopes_are_cut_likewise(low: World) -> None:
    asked = low.grant(low.reaches_consent(low.browser(), authorization_details=None, scope="balances")).terms
    assert (asked.lookback_days, asked.frequency_per_day) == (14, 2)


@pytest.mark.parametrize("named", [{"lookback_days": 15}, {"frequency_per_day": 3}])
def test_a_figure_that_the_app_names_is_refused_above_the_ceiling(low: World, named: dict[str, int]) -> None:
    answer = low.messenger.pushes(authorization_details=details(bank="harbor", **named))
    assert is_refused(answer, "invalid_authorization_details", "ceiling-exceeded")


def test_a_ceiling_that_is_lowered_on_the_way_to_the_page_counts(world: World) -> None:
    browser = world.browser()
    _, query = location(world.messenger.sends(browser, authorization_details=details(bank="harbor")))
    lowers(world, maximum_lookback_days=14)
    path, _ = location(world.signs_in(browser, query["for"]))
    assert world.grant(path.removeprefix("/consent/")).terms.lookback_days == 14


def test_what_replaces_a_grant_is_cut_too(world: World) -> None:
    grant_id = world.tokens()["grant_id"]
    lowers(world, maximum_lookback_days=14)
    wish = {"grant_management_action": "replace", "grant_id": grant_id, "authorization_details": details(bank="harbor")}
    amendment_id = world.reaches_consent(world.browser(), **wish)
    with world.services.database.read() as session:
        found = world.services.grant_reader.find_amendment(session, amendment_id, world.watch())
    assert found is not None
    assert found.most.lookback_days == 14
    assert "lookback_days" not in ASKED[0]


def test_a_bank_that_cannot_serve_a_request_is_named_with_its_rule(world: World) -> None:
    lowers(world, maximum_lookback_days=14)
    browser = world.browser()
    _, query = location(world.messenger.sends(browser, authorization_details=details(lookback_days=15)))
    wish = browser.get(f"/test/wish/{query['for']}").json
    assert (wish["banks"], wish["unable"]) == (["meridian"], {"harbor": "bank.history"})
