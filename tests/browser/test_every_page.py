"""Every page in every state, wide and light, narrow and dark: readable for all, light to load, whatever the names."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.arrivals import Cast, State
from tests.browser.hostile_names import faults_of, faults_with_a_hostile_name, overflowing
from tests.browser.states import STATES
from tests.support.accessibility import axe
from tests.support.actors import Person
from tests.support.weight import Scale
from tests.support.windows import DESKTOP, PHONE, Watch, no_sideways_scroll, sign_in, window

pytestmark = [pytest.mark.parametrize("world", ["sqlite"], indirect=True), pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def cast(info: dict[str, Any]) -> Cast:
    return Cast(info)


@pytest.fixture(scope="module")
def walker(chromium: Browser) -> Iterator[Page]:
    with window(chromium) as page:
        yield page


@pytest.fixture(scope="module")
def watching(walker: Page) -> Watch:
    return Watch(walker)


@pytest.fixture(scope="module")
def scale(walker: Page) -> Scale:
    return Scale(walker)


@pytest.fixture
def watch(watching: Watch) -> Watch:
    watching.complaints.clear()
    watching.loaded.clear()
    return watching


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_a_page_is_readable_for_everybody_and_light_and_asks_nobody_else(
    walker: Page, watch: Watch, scale: Scale, cast: Cast, state: State
) -> None:
    walker.set_viewport_size(DESKTOP)
    walker.emulate_media(color_scheme="light")
    state.reached(cast, walker)
    no_sideways_scroll(walker)
    axe(walker)
    walker.set_viewport_size(PHONE)
    walker.emulate_media(color_scheme="dark")
    no_sideways_scroll(walker)
    axe(walker)
    assert watch.third_party == []
    assert watch.blocked == []
    assert 1_000 < scale.bytes <= state.most_bytes, scale.told()
    assert overflowing(walker, cast.info) == {}
    assert faults_with_a_hostile_name(walker, cast) == []


def test_a_box_without_a_name_and_what_hangs_over_the_edge_would_be_found(desktop: Page, info: dict[str, Any]) -> None:
    desktop.goto(info["issuer"])
    desktop.evaluate(
        """() => {
          const box = document.createElement("input"), wide = document.createElement("div");
          wide.style.width = "2000px";
          wide.textContent = "wide";
          document.querySelector("main").append(box, wide);
        }"""
    )
    with pytest.raises(AssertionError, match="label"):
        axe(desktop)
    with pytest.raises(AssertionError, match="sideways"):
        no_sideways_scroll(desktop)


def test_a_name_that_is_more_than_text_or_pushes_the_page_wider_would_be_found(
    phone: Page, info: dict[str, Any]
) -> None:
    sign_in(phone, Person.named(info, "meridian", "margaret"))
    phone.goto(info["issuer"])
    assert overflowing(phone, info) == {}
    phone.evaluate("document.querySelector('.who > span').style.whiteSpace = 'nowrap'")
    assert {"500 letters", "500 characters"} <= set(overflowing(phone, info))
    savings = "\u05d7\u05e1\u05db\u05d5\u05df"
    assert faults_of(f"<p>\u2068{savings}\u2069 &lt;b&gt;</p>") == []
    assert len(faults_of(f"<p>{savings}</p>")) == len(faults_of("<p onclick=x></p>")) == 1


def test_what_a_page_takes_from_elsewhere_would_be_found(chromium: Browser, info: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match="pixel"):
        _takes_a_picture_from_elsewhere(chromium, info["issuer"])
    loaded = _takes_a_picture_from_elsewhere(chromium, info["issuer"], bypass_csp=True)
    assert loaded == ["http://127.0.0.1:9/pixel.gif"]


def _takes_a_picture_from_elsewhere(chromium: Browser, url: str, **more: Any) -> list[str]:
    with window(chromium, **more) as page:
        watch = Watch(page)
        page.goto(url)
        with page.expect_console_message():
            page.evaluate("() => { new Image().src = 'http://127.0.0.1:9/pixel.gif'; }")
        return watch.third_party
