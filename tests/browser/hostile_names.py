"""Names that nobody wishes for, put where ordinary ones stand: into a page that is shown, and into what pages write.

What a page looks like with a name is found out in the page itself: the names that it shows are replaced, its width is
measured, and it is put back. How a page writes a name is found out by asking for it again while all apps and banks bear
one.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Page

from tests.browser.arrivals import Cast
from tests.browser.conditions import REASON, database
from tests.support.markup import active_markup
from tests.support.windows import OVERHANGING

_HEBREW = "\u05d7\u05e1\u05db\u05d5\u05df"
_FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
NAMES = {
    "markup": '<img src=x onerror=alert(1)><b onmouseover="alert(1)">Bank</b>',
    "right to left": f"{_HEBREW} 99 {_HEBREW}",
    "500 letters": "W" * 500,
    "500 characters": "Bank of many words " * 26,
    "emoji": _FAMILY * 60,
    "zero width": "B\u200bo\u200cb\u200d\ufeffby" * 40,
    "template": "{{ 7 * 7 }} {% raw %} ${7*7} #{7*7} %(app)s",
}
_MARKED = f'<b onmouseover="alert(1)">Evil</b> {{{{ 7 * 7 }}}} {_HEBREW} 99 {_FAMILY}'
_FREE = re.compile(f"(?<!\u2068)(?<![\u0590-\u08ff]){_HEBREW}")
_MEASURE = f"""({{ known, names }}) => {{
  const overhanging = {OVERHANGING};
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const places = [];
  while (walker.nextNode()) {{
    const node = walker.currentNode;
    const whole = node.parentElement.matches(".who strong, .record dd, bdi");
    const isName = whole ? node.data.trim() : known.some((name) => node.data.includes(name));
    if (isName) places.push([node, node.data, whole]);
  }}
  const labelled = [...document.querySelectorAll("[data-label]")].map((one) => [one, one.dataset.label]);
  const put = (name, text) => known.reduce((said, one) => said.replaceAll(one, () => name), text);
  const found = {{}};
  for (const [kind, name] of Object.entries(names)) {{
    for (const [node, text, whole] of places) node.data = whole ? name : put(name, text);
    for (const [one, text] of labelled) one.dataset.label = put(name, text);
    const wide = overhanging();
    if (wide.length) found[kind] = wide.slice(0, 4);
  }}
  for (const [node, text] of places) node.data = text;
  for (const [one, text] of labelled) one.dataset.label = text;
  return found;
}}"""


def overflowing(page: Page, info: dict[str, Any]) -> dict[str, list[str]]:
    """Return what hangs over the edge of the page as it is now, were its names these, by the kind of the name."""
    known = [one["name"] for family in ("banks", "platforms") for one in info[family]]
    found: dict[str, list[str]] = page.evaluate(_MEASURE, {"known": [*known, REASON], "names": NAMES})
    return found


def faults_with_a_hostile_name(page: Page, cast: Cast) -> list[str]:
    """Ask for the page again while every app and every bank bears a hostile name; return what is wrong with how."""
    with _renamed(cast):
        answer = page.context.request.get(page.url.partition("#")[0])
    return faults_of(answer.text()) if "text/html" in answer.headers.get("content-type", "") else []


def faults_of(body: str) -> list[str]:
    """Return how a page lets a name be more than text."""
    free = [f"not isolated: {body[found.start() - 60 : found.end()]}" for found in _FREE.finditer(body)]
    worked = ["a template in a name was run"] if "Evil&lt;/b&gt; 49" in body else []
    return [*active_markup(body), *free[:3], *worked]


@contextmanager
def _renamed(cast: Cast) -> Iterator[None]:
    with database(cast) as raw:
        before = {table: raw.execute(f"SELECT name, id FROM {table}").fetchall() for table in ("platforms", "banks")}  # noqa: S608 - two words of ours
        for table in before:
            raw.execute(f"UPDATE {table} SET name = ?", (_MARKED,))  # noqa: S608 - as above
    try:
        yield
    finally:
        with database(cast) as raw:
            for table, rows in before.items():
                raw.executemany(f"UPDATE {table} SET name = ? WHERE id = ?", rows)  # noqa: S608 - as above
