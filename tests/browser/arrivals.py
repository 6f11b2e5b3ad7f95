"""How a window gets into a state of a page: who looks, what was shared or asked before, which buttons are pressed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page

from tests.support.actors import Person, Staff
from tests.support.platform_client import PlatformClient, details
from tests.support.weight import MOST_BYTES
from tests.support.windows import sign_in


@dataclass
class Cast:
    """The people of the states, each signed in once, and the app that asks them."""

    info: dict[str, Any]
    people: dict[str, Person | Staff] = field(default_factory=dict)
    sharing: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.client = PlatformClient.of(self.info)

    def member(self, who: str) -> Person | Staff:
        """Return `bank/username` of a customer, or `bank/auditor`, `bank/admin`."""
        if who not in self.people:
            bank, name = who.split("/")
            is_staff = name in {"auditor", "admin"}
            self.people[who] = Staff(self.info, bank, name) if is_staff else Person.named(self.info, bank, name)
        return self.people[who]


@dataclass
class Visit:
    """One window on its way to a state."""

    cast: Cast
    page: Page
    who: str
    status: int

    @property
    def person(self) -> Person:
        member = self.cast.member(self.who)
        assert isinstance(member, Person)
        return member

    def opens(self, path: str) -> None:
        answer = self.page.goto(path if "://" in path else self.cast.info["issuer"] + path)
        assert answer is not None
        assert answer.status == self.status, f"{answer.url}: {answer.status}"

    def presses(self, name: str) -> None:
        """Press the first button of that name."""
        self.page.get_by_role("button", name=name).first.click()

    def is_asked(self, *categories: str, **members: Any) -> None:
        """Have the app ask for categories, and stand before the consent page."""
        pushed = self.cast.client.begin(details(*categories, **members))
        consent = self.person.arrives_at_consent(pushed).url
        sign_in(self.page, self.person)  # the session has a new id: the person has signed in for this request
        self.opens(consent)

    def shares(self, *categories: str) -> None:
        """Have something shared with the app, once for all states of this person, and have the app read it."""
        if self.who not in self.cast.sharing:
            tokens = self.person.shares(self.cast.client, *categories)
            if "balances" in categories:
                self.cast.client.call(self.cast.info["api"]["account_balances"], tokens.access)
            self.cast.sharing.add(self.who)
            sign_in(self.page, self.person)


Arrival = Callable[[Visit], None]


@dataclass(frozen=True)
class State:
    """One page in one state."""

    name: str
    arrives: Arrival | str
    who: str = ""
    status: int = 200
    most_bytes: int = MOST_BYTES
    """What may come over the wire for it; more only with a reason."""

    def reached(self, cast: Cast, page: Page) -> None:
        """Bring a window into this state."""
        visit = Visit(cast, page, self.who, self.status)
        if self.who:
            sign_in(page, cast.member(self.who))
        else:
            page.context.clear_cookies()
        if isinstance(self.arrives, str):
            visit.opens(self.arrives)
        else:
            self.arrives(visit)


SHARER = "meridian/oscar"  # shares balances and transactions with the app
NEWCOMER = "meridian/margaret"  # has never shared anything
ASKED = "meridian/priya"  # is asked, and decides
PAUSER = "meridian/tomas"  # has paused a part of what is shared
ALL = ("balances", "transactions", "card_locations", "balance_answers", "location_answers", "fraud_alerts")


def sharing(path: str, *then: str) -> Arrival:
    """Open a page as somebody who shares something, and press buttons."""

    def arrive(visit: Visit) -> None:
        visit.shares("balances", "transactions", "card_locations")
        visit.opens(path)
        for button in then:
            visit.presses(button)

    return arrive


def followed(path: str, *links: str) -> Arrival:
    """Open a page as somebody who shares something, and follow links."""

    def arrive(visit: Visit) -> None:
        sharing(path)(visit)
        for name in links:
            visit.page.get_by_role("link", name=name).first.click()

    return arrive


def asked(*categories: str, press: str = "") -> Arrival:
    """Stand before the consent page, and press a button there."""

    def arrive(visit: Visit) -> None:
        visit.is_asked(*categories)
        if press:
            visit.presses(press)

    return arrive


def opened_details(path: str) -> Arrival:
    """Open a page as somebody who shares something, with everything unfolded that can be."""

    def arrive(visit: Visit) -> None:
        sharing(path)(visit)
        visit.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")

    return arrive


def looked_at(visit: Visit) -> None:
    """Stand before the consent page with one's own balances shown, everything unfolded."""
    visit.is_asked("balances", "balance_answers")
    for account in visit.page.locator("input[name=account]").all():
        account.check()
    visit.presses("Show me")
    assert visit.page.locator(".preview").count() == 1
    visit.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")


def receipt(visit: Visit) -> None:
    """Open what was agreed to."""
    visit.shares("balances", "transactions", "card_locations")
    grant = next(row["grant_id"] for row in visit.person.rows("my_sharing") if row["status"] == "ACTIVE")
    visit.opens(f"/consent/{grant}/receipt")
