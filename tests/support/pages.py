"""A plain HTTP client with cookies that fills in forms: no JavaScript, no knowledge of the pages' inside."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import requests


@dataclass
class Form:
    """One form of a page: fields in their order, the values of its submit buttons, options of its selects."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    checkboxes: list[tuple[str, str, bool]] = field(default_factory=list)
    selects: dict[str, list[tuple[str, bool]]] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    @property
    def names(self) -> set[str]:
        return (
            {name for name, _ in self.fields}
            | {name for name, _, _ in self.checkboxes}
            | set(self.selects)
            | {name for name, _ in self.buttons}
        )

    def value(self, name: str) -> str | None:
        return next((value for key, value in self.fields if key == name), None)

    def choices(self, name: str) -> list[str]:
        return [value for key, value, _ in self.checkboxes if key == name]

    def ticked(self, name: str) -> list[str]:
        return [value for key, value, on in self.checkboxes if key == name and on]

    def options(self, name: str) -> list[str]:
        return [value for value, _ in self.selects.get(name, [])]

    def filled(self, **given: str | list[str]) -> list[tuple[str, str]]:
        """The body a browser would send with these values; checkboxes are off unless given or ticked on the page."""
        body = [(name, value) for name, value in self.fields if name not in given]
        for name, options in self.selects.items():
            if name not in given:
                body.append((name, next((v for v, on in options if on), options[0][0])))
        body += [(name, value) for name, value, on in self.checkboxes if on and name not in given]
        for name, value in given.items():
            body += [(name, one) for one in value] if isinstance(value, list) else [(name, value)]
        return body


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._select: str | None = None
        self.text: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in a:
            self.links.append(a["href"])
        if tag == "form":
            self._form = Form(a.get("action", ""), a.get("method", "get").lower())
            self.forms.append(self._form)
        if self._form is None:
            return
        name, value = a.get("name", ""), a.get("value", "")
        if tag == "input" and name:
            kind = a.get("type", "text")
            if kind in {"checkbox", "radio"}:
                self._form.checkboxes.append((name, value or "on", "checked" in a))
            elif kind == "submit":
                self._form.buttons.append((name, value))
            else:
                self._form.fields.append((name, value))
        elif tag == "select":
            self._select = name
            self._form.selects[name] = []
        elif tag == "option" and self._select is not None:
            self._form.selects[self._select].append((value, "selected" in a))
        elif tag == "button" and name:
            self._form.buttons.append((name, value))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        if tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.text.append(" ".join(data.split()))


@dataclass
class Page:
    """One answer, read."""

    url: str
    status: int
    headers: dict[str, str]
    body: str
    forms: list[Form]
    text: str
    links: list[str]

    def form(self, *names: str) -> Form:
        """The first form that has all these fields or buttons."""
        for form in self.forms:
            if set(names) <= form.names:
                return form
        raise AssertionError(f"no form with {names} on {self.url} ({self.status}): {self.text[:600]}")


class Browser:
    """Cookies, redirects (stopping before hosts that nobody serves), forms."""

    def __init__(self, stop_at: str = "http://localhost:4199/") -> None:
        self.session = requests.Session()
        self.session.trust_env = False
        self.stop_at = stop_at

    def get(self, url: str, **headers: str) -> Page:
        return self._follow(self.session.get(url, headers=headers, allow_redirects=False, timeout=30))

    def get_json(self, url: str) -> requests.Response:
        return self.session.get(url, headers={"Accept": "application/json"}, allow_redirects=False, timeout=30)

    def submit(self, page: Page, form: Form, **given: str | list[str]) -> Page:
        url = urljoin(page.url, form.action) if form.action else page.url
        if form.method == "get":
            return self._follow(self.session.get(url, params=form.filled(**given), allow_redirects=False, timeout=30))
        return self.post(url, form.filled(**given))

    def post(self, url: str, body: list[tuple[str, str]] | bytes | dict[str, str], **headers: str) -> Page:
        return self._follow(self.session.post(url, data=body, headers=headers, allow_redirects=False, timeout=30))

    def _follow(self, response: requests.Response) -> Page:
        for _ in range(12):
            if response.status_code not in {301, 302, 303, 307, 308}:
                break
            assert response.status_code in {302, 303}, f"{response.status_code} repeats the body somewhere else"
            target = urljoin(response.url, response.headers["Location"])
            if target.startswith(self.stop_at):
                return Page(target, response.status_code, dict(response.headers), "", [], "", [])
            response = self.session.get(target, allow_redirects=False, timeout=30)
        reader = _Reader()
        if "html" in response.headers.get("Content-Type", ""):
            reader.feed(response.text)
        return Page(
            response.url,
            response.status_code,
            dict(response.headers),
            response.text,
            reader.forms,
            " ".join(reader.text),
            reader.links,
        )
