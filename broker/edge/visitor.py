"""Who is behind this browser: nobody yet, a person, a member of a bank's or a platform's staff; where it is to go."""

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import cast

from flask import g, request, session

from broker.edge.browsers import in_words
from broker.edge.services import services
from broker.edge.session import OWNER, WebSession
from broker.errors import StorageUnavailable
from broker.users.moves import has_moved
from broker.users.passkeys import Owner, OwnerKind

_BROWSER, _VISITOR, _WISHES = "browser", "visitor", "wishes"
_CHECKED = "broker_visitor"
_JOURNEY = "_state_"  # Authlib's name for a sign-in under way: another tab's goes on
BROWSER_WORDS, PROVED = "browser_words", "proved"
_MOST_WISHES = 8
_CLOSED = "account_closed"
LINKED = "linked"
"""Under this name the session keeps who has signed in at a second bank, apart from who is signed in."""


class Means(StrEnum):
    """How somebody proves who they are."""

    BANK = "bank"
    PASSKEY = "passkey"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever signed in. `role` is None for a person, `auditor` or `admin` for staff; `user_id` is empty for staff.

    `staff_id` tells a bank's staff apart, for their sessions alone; it is empty for a person.

    For somebody of a platform `role` is `developer`, `platform_id` the platform and `person_id` who they are there;
    `bank_id` is empty.

    `wish` is the sign-in wish that this sign-in fulfilled: a consent needs one made for it alone.
    """

    bank_id: str
    name: str
    user_id: str = ""
    role: str | None = None
    wish: str = ""
    staff_id: str = ""
    platform_id: str = ""
    person_id: str = ""

    @property
    def owner(self) -> Owner:
        """Return whose this visitor's sessions and passkeys are."""
        if self.role is None:
            return Owner(OwnerKind.USER, self.user_id)
        if self.person_id:
            return Owner(OwnerKind.PLATFORM, self.person_id)
        return Owner(OwnerKind.STAFF, self.staff_id)


@dataclass(frozen=True, slots=True)
class SignInWish:
    """Why somebody is asked to sign in: which banks they may choose, where they go after, who asks for data.

    `staff` wishes accept members of staff only, others accept customers only. `unable` maps the banks that cannot serve
    the request to the id of the rule that says so. With `links` whoever comes back is not signed in: it is the same
    person at a second bank, or so they say.
    """

    path: str
    banks: tuple[str, ...]
    asker: str | None = None
    staff: bool = False
    links: bool = False
    unable: Mapping[str, str] = field(default_factory=dict)


def browser_id() -> str:
    """Return a random id of this browser that survives sign-in; makes it at the first time."""
    if _BROWSER not in session:
        session[_BROWSER] = secrets.token_urlsafe(16)
    return cast("str", session[_BROWSER])


def visitor() -> Visitor | None:
    """Return who is signed in; nobody, once the bank's customer has become another user (linked, unlinked) since."""
    found = Visitor(**session[_VISITOR]) if _VISITOR in session else None
    if found is not None and found.user_id and g.get(_CHECKED) != found:
        with services().database.read() as opened:
            if has_moved(opened, found.user_id, found.bank_id):
                return None
    g.broker_visitor = found
    return found


def visitor_for_error(*, may_ask: bool) -> Visitor | None:
    """Return who is signed in, for a page that says what has failed: it must not fail for the same cause.

    What this request has found out already is known; anything else is asked for only if it `may_ask`.
    """
    if _CHECKED in g or not may_ask:
        return cast("Visitor | None", g.get(_CHECKED))
    try:
        return visitor()
    except StorageUnavailable:
        return None


def keep_wish(wish_id: str, wish: SignInWish) -> None:
    """Remember a wish under an id of the caller's; the oldest are forgotten beyond eight."""
    wishes = {**session.get(_WISHES, {})}
    wishes.pop(wish_id, None)
    wishes[wish_id] = asdict(wish)
    session[_WISHES] = dict(list(wishes.items())[-_MOST_WISHES:])


def wish_of(wish_id: str) -> SignInWish | None:
    """Return a wish of this browser."""
    found = session.get(_WISHES, {}).get(wish_id)
    return SignInWish(**{**found, "banks": tuple(found["banks"])}) if found else None


def sign_in(new: Visitor, how: Means = Means.BANK) -> None:
    """Make this browser's session the visitor's, under a new id; what another visitor did is forgotten."""
    g.pop(_CHECKED, None)
    kept = {name: session[name] for name in session if name in {_BROWSER, _WISHES} or name.startswith(_JOURNEY)}
    session.clear()
    session.update(kept)
    session[_VISITOR] = asdict(new)
    session[OWNER] = [new.owner.kind.value, new.owner.id]
    session[BROWSER_WORDS] = in_words(request.headers.get("User-Agent", ""))
    presence_proved(how)
    cast("WebSession", session).rotate()


def presence_proved(how: Means) -> None:
    """Remember that the visitor has just proved who they are, and how."""
    session[PROVED] = {**session.get(PROVED, {}), how.value: services().clock().isoformat()}


def step_up() -> None:
    """Remember that the visitor has just used a passkey; the session goes on under a new id and ends when it would."""
    presence_proved(Means.PASSKEY)
    cast("WebSession", session).rotate(keeps_age=True)


def proved_within(how: Means, life: timedelta) -> bool:
    """Say whether the visitor proved who they are in this way, and not longer ago than `life`."""
    at = session.get(PROVED, {}).get(how.value)
    return at is not None and services().clock() - datetime.fromisoformat(at) < life


def sign_in_again(same: Visitor) -> None:
    """Give the visitor a new session without what the present one was for."""
    proved = session.get(PROVED, {})
    sign_in(replace(same, wish=""))
    session[PROVED] = proved  # nobody has proved anything anew


def keep_linked(bank_id: str, user_id: str, name: str, at_s: int) -> None:
    """Keep who has signed in at a second bank, for a question that follows."""
    session[LINKED] = {"bank_id": bank_id, "user_id": user_id, "name": name, "at": at_s}


def close_account() -> None:
    """End the session, and remember in the next one why: forms that stand open in other tabs are answered so."""
    sign_out()
    session[_CLOSED] = True


def has_closed() -> bool:
    """Say whether somebody closed their account in this browser, and nobody has signed in since."""
    return _CLOSED in session


def sign_out() -> None:
    """End the session."""
    g.pop(_CHECKED, None)
    session.clear()
    cast("WebSession", session).rotate()
