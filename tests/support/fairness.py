"""Measures whether a page treats yes and no alike: from what a real browser has drawn.

What counts as a trick: the list of the EDPB's guidelines 03/2022 on deceptive design, as far as a script can see it.
"""

import re
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, Page

ENOUGH_CONTRAST = 4.5  # WCAG 2.2, 1.4.3
MOST_CLICKS_TO_STOP = 2
_HALF_A_PIXEL = 0.5
_CLOSE = 0.05
_LOOK = """(one) => {
  const style = getComputedStyle(one), box = one.getBoundingClientRect();
  const filled = (at) => {
    for (let here = at; here; here = here.parentElement) {
      const colour = getComputedStyle(here).backgroundColor;
      if (!/^rgba\\(.*, 0\\)$/.test(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  return { width: box.width, height: box.height, size: parseFloat(style.fontSize), weight: style.fontWeight,
    family: style.fontFamily, opacity: style.opacity, text: style.color, fill: filled(one),
    behind: filled(one.parentElement), edge: style.borderTopColor };
}"""
_TICKED = """() => [...document.querySelectorAll("input[type=checkbox]:checked, input[type=radio]:checked")]
  .filter((one) => !one.closest(".choice")?.querySelector(".tag.needed"))
  .map((one) => `${one.name}=${one.value}`)"""
_HURRY = "meta[http-equiv=refresh], [role=timer], progress, meter, marquee, .countdown"
_SHAMING = re.compile(
    r"no,? thanks|i don.t (want|care|need)|i prefer (not|to miss)|miss(ing)? out|are you really sure|you will regret|"
    r"lose (access|all)|hurry|last chance|only \d+ (minutes?|seconds?) left|act now|recommended|most people|"
    r"everyone else",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Look:
    """How one button strikes the eye."""

    width: float
    height: float
    size: float
    weight: str
    family: str
    opacity: str
    contrast: float
    """Of its text on its own fill."""
    prominence: float
    """Of its fill against what lies behind it."""
    edge: float
    """Of its outline against what lies behind it."""


def looks_of(one: Locator, other: Locator) -> list[Look]:
    """Measure two buttons as they are drawn at one moment."""
    both = f"(one, other) => {{ const look = {_LOOK}; return [look(one), look(other)]; }}"
    return [_look(seen) for seen in one.evaluate(both, other.element_handle())]


def _look(seen: dict[str, Any]) -> Look:
    return Look(
        *(seen[name] for name in ("width", "height", "size", "weight", "family", "opacity")),
        contrast=contrast(seen["text"], seen["fill"]),
        prominence=contrast(seen["fill"], seen["behind"]),
        edge=contrast(seen["edge"], seen["behind"]),
    )


def contrast(one: str, other: str) -> float:
    """Return the ratio of two computed colours (WCAG 2.2, "contrast ratio")."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def differences(yes: Locator, no: Locator) -> list[str]:
    """Name what sets two buttons apart, and what makes one hard to read."""
    a, b = looks_of(yes, no)
    found = [name for name in ("width", "height", "size") if abs(getattr(a, name) - getattr(b, name)) > _HALF_A_PIXEL]
    found += [name for name in ("weight", "family", "opacity") if getattr(a, name) != getattr(b, name)]
    found += [name for name in ("contrast", "prominence", "edge") if abs(getattr(a, name) - getattr(b, name)) > _CLOSE]
    return found + [f"contrast {look.contrast:.1f}" for look in (a, b) if look.contrast < ENOUGH_CONTRAST]


def are_neighbours(page: Page, first: Locator, second: Locator) -> bool:
    """Say whether Tab leads from one straight to the other, and Shift and Tab back."""
    first.focus()
    page.keyboard.press("Tab")
    there = second.evaluate("(one) => one === document.activeElement")
    page.keyboard.press("Shift+Tab")
    return bool(there and first.evaluate("(one) => one === document.activeElement"))


def ticked_unasked(page: Page) -> list[str]:
    """Return what is ticked already although nobody needs it."""
    found: list[str] = page.evaluate(_TICKED)
    return found


def pressure(page: Page) -> list[str]:
    """Return what presses for time, and words that shame or lure."""
    hurrying = [one.evaluate("(it) => it.outerHTML") for one in page.locator(_HURRY).all()]
    return hurrying + [found[0] for found in _SHAMING.finditer(page.locator("body").inner_text())]


def clicks_to_stop(page: Page, home: str) -> int:
    """Go from the front page until a permission is stopped, always the shortest way that the pages offer; count."""
    page.goto(home)
    clicks = 0
    stop = page.locator("button[name=action][value=revoke]")
    if not stop.count():
        page.get_by_role("main").locator("a[href='/my-sharing']").first.click()
        clicks += 1
    stop.first.click()
    page.locator("button[name=confirm]").click()
    page.get_by_role("status").first.wait_for()
    return clicks + 2


def _luminance(colour: str) -> float:
    channels = [float(number) / 255 for number in re.findall(r"[\d.]+", colour)[:3]]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
