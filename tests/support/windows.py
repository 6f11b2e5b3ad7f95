"""Windows of a real Chromium: how wide, light or dark, with or without scripts, who is signed in, what went wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page

from tests.support.actors import Person, Staff

DESKTOP: Any = {"width": 1280, "height": 900}
PHONE: Any = {"width": 390, "height": 844}
Scheme = Literal["light", "dark"]
_PATIENCE_MS = 30_000
OVERHANGING = """() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  const scrolls = (one) => one && (["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(one).overflowX)
    || scrolls(one.parentElement));
  return [...document.body.querySelectorAll("*")]
    .filter((one) => one.getBoundingClientRect().right > wide + 1 && !scrolls(one.parentElement))
    .map((one) => one.outerHTML.slice(0, 160))
    .concat([`${document.documentElement.scrollWidth} > ${wide}`]);
}"""


@dataclass
class Watch:
    """What a page has complained of, and what it has loaded from elsewhere."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        # Where a person goes is not what a page loads.
        self.page.on("request", lambda sent: None if sent.is_navigation_request() else self.loaded.append(sent.url))

    @property
    def blocked(self) -> list[str]:
        """What the page's own policy forbade it."""
        return [text for text in self.complaints if "Content Security Policy" in text]

    @property
    def third_party(self) -> list[str]:
        """What was loaded from an origin that is not the page's."""
        own = origin_of(self.page.url)
        return [url for url in self.loaded if not url.startswith(("data:", "blob:")) and origin_of(url) != own]


@contextmanager
def window(
    browser: Browser, size: Any = DESKTOP, scheme: Scheme = "light", *, scripts: bool = True, **more: Any
) -> Iterator[Page]:
    """Open a page of its own; at the end its console must be free of what the policy of a page has blocked."""
    context = browser.new_context(viewport=size, color_scheme=scheme, java_script_enabled=scripts, **more)
    context.set_default_timeout(_PATIENCE_MS)
    page = context.new_page()
    watch = Watch(page)
    yield page
    context.close()
    assert watch.blocked == [], watch.complaints


def sign_in(page: Page, who: Person | Staff) -> None:
    """Give the window the session that this person has already: signing in at a bank takes a page or five."""
    if isinstance(who, Staff):
        who.opens_console()
    else:
        who.opens("my_sharing")
    page.context.clear_cookies()
    page.context.add_cookies(
        [
            {"name": one.name, "value": one.value or "", "domain": "localhost", "path": one.path}
            for one in who.browser.session.cookies
        ]
    )


def no_sideways_scroll(page: Page) -> None:
    """Expect that nothing hangs over the right edge."""
    assert page.evaluate(OVERHANGING) == [], f"{page.url} scrolls sideways"


def origin_of(url: str) -> str:
    """Return scheme, host and port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
