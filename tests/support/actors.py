"""The people of the stories: they use pages and clients, never the broker's inside."""

from dataclasses import dataclass, field
from typing import Any

from tests.support.pages import Browser, Form, Page
from tests.support.platform_client import PlatformClient, Pushed, Tokens, details


@dataclass
class Person:
    """A customer of one bank with a browser of their own."""

    info: dict[str, Any]
    username: str
    password: str
    bank: str
    browser: Browser = field(default_factory=Browser)

    @classmethod
    def of(cls, info: dict[str, Any], bank: str, number: int = 0) -> "Person":
        user = [user for user in info["users"] if user["bank"] == bank][number]
        return cls(info, user["username"], user["password"], bank)

    @classmethod
    def named(cls, info: dict[str, Any], bank: str, username: str) -> "Person":
        names = [user["username"] for user in info["users"] if user["bank"] == bank]
        return cls.of(info, bank, names.index(username))

    def signs_in_from(self, page: Page) -> Page:
        """Pick the bank, sign in there, and land where the broker leads."""
        choice = page.form("bank")
        assert self.bank in choice.options("bank"), page.text
        at_bank = self.browser.submit(page, choice, bank=self.bank)
        return self.browser.submit(
            at_bank, at_bank.form("username", "password"), username=self.username, password=self.password
        )

    def arrives_at_consent(self, pushed: Pushed) -> Page:
        page = self.signs_in_from(self.browser.get(pushed.url))
        assert page.status == 200, page.text
        page.form("category", "account", "decision")
        return page

    def approves(self, pushed: Pushed, *categories: str, **steps: str | list[str]) -> Page:
        """Tick these categories and every account, allow, and return where the browser was sent."""
        page = self.arrives_at_consent(pushed)
        form = page.form("category", "account", "decision")
        given: dict[str, str | list[str]] = {"account": form.choices("account"), **steps}
        return self.browser.submit(page, form, category=list(categories), decision="approve", **given)

    def refuses(self, pushed: Pushed) -> Page:
        page = self.arrives_at_consent(pushed)
        return self.browser.submit(page, page.form("category", "account", "decision"), decision="deny")

    def shares(self, client: PlatformClient, *categories: str, **members: Any) -> Tokens:
        """Go the whole way once: the client asks for these categories, the person allows all of them."""
        pushed = client.begin(details(*categories, **members))
        return client.tokens(pushed, self.approves(pushed, *categories).url)

    def opens(self, page: str) -> Page:
        """Open a page of the info document, signing in where that is asked."""
        found = self.browser.get(self.info["pages"][page])
        return self.signs_in_from(found) if any(form.action == "/sign-in" for form in found.forms) else found

    def acts(self, action: str, grant: str, category: str | None = None, account: str | None = None) -> Page:
        """Press one button of My sharing and confirm."""
        page = self.opens("my_sharing")
        form = next(f for f in page.forms if _is_for(f, action, grant, category, account))
        confirmation = self.browser.submit(page, form, action=action)
        return self.browser.submit(confirmation, confirmation.form("confirm"), confirm="yes")

    def asks_to_delete(self, grant: str) -> dict[str, Any]:
        """Ask the app of a permission to delete what it has, and return the request as My sharing tells it."""
        self.opens("my_sharing")
        page = self.browser.get(f"{self.info['issuer']}/my-sharing/{grant}/deletion")
        self.browser.submit(page, next(form for form in page.forms if form.action.endswith("/deletion")))
        return self.asked_to_delete(grant)

    def asked_to_delete(self, grant: str) -> dict[str, Any]:
        """Return the request to delete of a permission as My sharing tells it."""
        return dict(next(row["deletion"] for row in self.rows("my_sharing") if row["grant_id"] == grant))

    def rows(self, page: str) -> list[dict[str, Any]]:
        self.opens(page)
        found: list[dict[str, Any]] = self.browser.get_json(self.info["pages"][page]).json()
        return found


@dataclass
class Staff:
    """A member of staff of one bank."""

    info: dict[str, Any]
    bank: str
    role: str = "auditor"
    browser: Browser = field(default_factory=Browser)

    @property
    def entry(self) -> dict[str, Any]:
        return next(bank for bank in self.info["banks"] if bank["id"] == self.bank)

    def opens_console(self) -> Page:
        page = self.browser.get(self.entry["console_url"])
        if any({"username", "password"} <= form.names for form in page.forms):
            page = self.browser.submit(page, page.form("username", "password"), **self.entry[self.role])
        return page

    def accesses(self) -> list[dict[str, Any]]:
        self.opens_console()
        found: list[dict[str, Any]] = self.browser.get_json(f"{self.entry['console_url']}/log").json()
        return found


def _is_for(form: Form, action: str, grant: str, category: str | None, account: str | None) -> bool:
    # A form with an app in it is about that app alone: My sharing has one for each app with several permissions.
    return (
        form.value("grant") == grant
        and form.value("platform") is None
        and form.value("category") == category
        and form.value("account") == account
        and ("action", action) in form.buttons
    )
