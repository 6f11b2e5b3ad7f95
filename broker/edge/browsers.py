"""Says in two words which browser somebody uses, so that they know their sessions apart.

The header `User-Agent` is hostile text: nothing of it is kept, only which of a few known words stand in it.
"""

_LONGEST = 400
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
UNKNOWN = ("", "")
"""Neither browser nor system was recognised."""


def in_words(user_agent: str) -> tuple[str, str]:
    """Return the names of browser and system, each empty when it is none that we know."""
    text = user_agent[:_LONGEST]
    return _first(_BROWSERS, text), _first(_SYSTEMS, text)


def _first(known: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for sign, name in known if sign in text), "")
