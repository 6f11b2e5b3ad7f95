"""The person's side of a fleet: a browser that is signed in, and the buttons of My sharing and of a consent."""

from collections.abc import Mapping, Sequence

from tests.support.wire import Answer, Line, message

_AS_JSON = {"Accept": "application/json"}  # refusals then carry their code


class Sharer:
    """One browser of one person, with the session's cookie and its CSRF token. For one thread."""

    def __init__(self, base_url: str, port: int, cookie: str, csrf_token: str, browser_id: str) -> None:
        self.base_url = base_url
        self.browser_id = browser_id
        self.line = Line(port)
        self._cookie = cookie
        self._csrf_token = csrf_token
        self._accepted = _AS_JSON

    def as_page(self) -> "Sharer":
        """Ask for pages from now on, as a browser does."""
        self._accepted = {"Accept": "text/html"}
        return self

    def getting(self, path: str) -> bytes:
        """Prepare the visit of a page."""
        return message("GET", path, {"Cookie": self._cookie, **self._accepted})

    def posting(self, path: str, fields: Mapping[str, str | Sequence[str]]) -> bytes:
        """Prepare a form as the browser would send it."""
        headers = {"Cookie": self._cookie, "Origin": self.base_url, **self._accepted}
        return message("POST", path, headers, {**fields, "csrf_token": self._csrf_token})

    def acting(self, action: str, grant_id: str, category: str | None = None) -> bytes:
        """Prepare the confirmed act on a grant, or on one category of it: `pause`, `resume`, `revoke`."""
        part = {} if category is None else {"category": category}
        return self.posting("/my-sharing", {"grant": grant_id, "action": action, "confirm": "yes", **part})

    def acts(self, action: str, grant_id: str, category: str | None = None) -> Answer:
        """Press the button: 303 when it was done, 409 when it cannot be.

        Raises: LineBroken
        """
        return self.line.call(self.acting(action, grant_id, category))

    def approving(self, grant_id: str, categories: Sequence[str], accounts: Sequence[str]) -> bytes:
        """Prepare the approval of a proposal."""
        chosen = {"decision": "approve", "category": list(categories), "account": list(accounts)}
        return self.posting(f"/consent/{grant_id}", chosen)

    def refusing(self, grant_id: str) -> bytes:
        """Prepare the refusal of a proposal."""
        return self.posting(f"/consent/{grant_id}", {"decision": "deny"})
