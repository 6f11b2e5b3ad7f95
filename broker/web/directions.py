"""Keeps what runs from right to left, as a name may, from turning around what stands beside it on a page.

Everything that a template writes passes here: text, attributes, the values within sentences. Each stretch of Hebrew,
Arabic and the like gets the characters that isolate it (Unicode's bidirectional algorithm, UAX #9 §2.7), and characters
by which a name could turn the rest of a line are left out. What a page wrote so comes back from its forms as it was.
"""

import re
from collections.abc import Callable
from typing import Any

from flask import Flask
from jinja2 import pass_context
from jinja2.runtime import Context

_OPEN, _CLOSE = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"
_TURNING = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# Letters of scripts that run from right to left (UAX #9: R and AL), by the blocks that hold them.
_LETTERS = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff"
# A number within a name belongs to it; one behind it does not, and stays behind it. So do commas of a list.
_STRETCH = re.compile(f"[{_LETTERS}](?:[ \\d'\u2019.&-]*[{_LETTERS}])*")


class Verbatim(str):
    """A text that a page shows character by character, as in the bytes of an entry."""

    __slots__ = ()


def isolated(value: Any) -> Any:
    """Return a text with what runs from right to left isolated; markup, numbers and `Verbatim` stay as they are."""
    if type(value) is not str or value.isascii():
        return value
    return _STRETCH.sub(lambda found: f"{_OPEN}{found[0]}{_CLOSE}", _TURNING.sub("", value))


def without_isolation(text: str) -> str:
    """Return what a browser sent without the characters that a page has put around names."""
    return text if text.isascii() else text.replace(_OPEN, "").replace(_CLOSE, "")


def install(app: Flask) -> None:
    """Isolate whatever the templates of an application write, the values in translated sentences too."""
    app.jinja_env.finalize = isolated
    app.jinja_env.filters["verbatim"] = Verbatim
    said: dict[str, Any] = app.jinja_env.globals
    for name in ("gettext", "ngettext"):
        said[name] = _with_isolated_values(said[name])


def _with_isolated_values(say: Callable[..., Any]) -> Callable[..., Any]:
    @pass_context
    def said(context: Context, *texts: Any, **values: Any) -> Any:
        return context.call(say, *texts, **{name: isolated(value) for name, value in values.items()})

    return said
