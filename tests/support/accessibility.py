"""axe-core on a page of a real Chromium: what it finds, in words by which it can be mended."""

from functools import cache
from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.sync_api import Page

TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
_RUN = """(tags) => axe.run(document, {
  runOnly: { type: "tag", values: tags }, resultTypes: ["violations"], elementRef: false,
}).then((found) => found.violations)"""
_MOST_SHOWN = 4


def axe(page: Page, *, but_for: tuple[str, ...] = ()) -> None:
    """Expect no violation on the page as it looks now; `but_for` names rules that do not count here."""
    found = [one for one in violations(page) if one["id"] not in but_for]
    assert not found, f"{page.url} at {page.viewport_size}:\n" + "\n".join(map(_told, found))


def violations(page: Page) -> list[dict[str, Any]]:
    """Return what axe finds; scripts must be on."""
    if page.evaluate("typeof axe === 'undefined'"):
        # Asked through the debugger, so the page's policy, which forbids foreign scripts, stays as it is.
        page.evaluate(_source())
    found: list[dict[str, Any]] = page.evaluate(_RUN, list(TAGS))
    return found


@cache
def _source() -> str:
    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


def _told(violation: dict[str, Any]) -> str:
    nodes = violation["nodes"]
    shown = [
        f"    {' '.join(map(str, node['target']))}\n      {node['html'][:200]}\n"
        f"      {str(node.get('failureSummary', '')).replace(chr(10), ' ')[:300]}"
        for node in nodes[:_MOST_SHOWN]
    ]
    return "\n".join([f"  {violation['id']} ({violation['impact']}, {len(nodes)}): {violation['help']}", *shown])
