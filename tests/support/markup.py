"""Says what a page would run or load, if some text on it were taken for markup."""

from html.parser import HTMLParser


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.active: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        where = given.get("src") or given.get("href") or ""
        if (
            any(name.startswith("on") for name in given)
            or (tag == "script" and not given.get("src", "").startswith("/static/"))
            or tag in {"iframe", "object", "embed", "b"}
            or where.startswith(("//", "javascript:", "data:"))
            or (tag == "img" and where == "x")
        ):
            self.active.append(f"<{tag} {sorted(given)}>")


def active_markup(body: str) -> list[str]:
    reader = _Reader()
    reader.feed(body)
    return reader.active
