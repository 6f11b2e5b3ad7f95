"""The two ways in which a person works a page here: by the keyboard alone, or by clicks where no script runs."""

from typing import Protocol

from playwright.sync_api import Page

_FAR = 120  # presses of Tab on the longest page
_OUTLINE = "(wanted) => document.activeElement.matches(wanted) && getComputedStyle(document.activeElement).outlineStyle"


class Hand(Protocol):
    """Finds by a selector what it works; `until` is what stands on the page that has to follow."""

    def presses(self, page: Page, selector: str, until: str) -> None: ...

    def picks(self, page: Page, selector: str, label: str) -> None: ...

    def writes(self, page: Page, selector: str, text: str) -> None: ...


class Keyboard:
    """Tab, Enter, letters and nothing else; what has the focus must be seen."""

    def presses(self, page: Page, selector: str, until: str) -> None:
        tabs_to(page, selector)
        page.keyboard.press("Enter")
        page.wait_for_selector(until)

    def picks(self, page: Page, selector: str, label: str) -> None:
        """Choose from a list by the first letters."""
        tabs_to(page, selector)
        page.keyboard.type(label)

    def writes(self, page: Page, selector: str, text: str) -> None:
        tabs_to(page, selector)
        page.keyboard.press("Control+A")
        page.keyboard.type(text)


class Pointer:
    """Clicks, and typing into fields."""

    def presses(self, page: Page, selector: str, until: str) -> None:
        page.locator(selector).first.click()
        page.wait_for_selector(until)

    def picks(self, page: Page, selector: str, label: str) -> None:
        options = page.locator(f"{selector} option")
        chosen = next(text for text in options.all_inner_texts() if text.startswith(label))
        page.locator(selector).select_option(label=chosen)

    def writes(self, page: Page, selector: str, text: str) -> None:
        page.locator(selector).first.fill(text)


def tabs_to(page: Page, selector: str) -> None:
    """Press Tab until something that fits has the focus, and expect that the focus can be seen."""
    for _ in range(_FAR):
        page.keyboard.press("Tab")
        style = page.evaluate(_OUTLINE, selector)
        if style:
            assert style != "none", f"{selector} has the focus, and nobody sees it"
            return
    raise AssertionError(f"Tab never comes to {selector} on {page.url}")
