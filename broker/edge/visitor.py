"""Who is behind this browser: nobody yet, a person, or a bank's member of staff; and where a sign-in is to lead."""

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import cast

from flask import request, session

from broker.edge.browsers import in_words
from broker.edge.services import services
from broker.edge.session import OWNER, WebSession
from broker.users.passkeys import Owner, OwnerKind

_BROWSER, _VISITOR, _WISHES = "browser", "visitor", "wishes"
_JOURNEY = "_state_"  # Authlib's name for a sign-in under way: another tab's goes on
BROWSER_WORDS, PROVED = "browser_words", "proved"
_MOST_WISHES = 8


class Means(StrEnum):
    """How somebody proves who they are."""

    BANK = "bank"
    PASSKEY = "passkey"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever signed in. `role` is None for a person, `auditor` or `admin` for staff; `user_id` is empty for staff.

    `staff_id` tells a bank's staff apart, for their sessions alone; it is empty for a person.

    `wish` is the sign-in wish that this sign-in fulfilled: a consent needs one made for it alone.
    """

    bank_id: str
    name: str
    user_id: str = ""
    role: str | None = None
    wish: str = ""
    staff_id: str = ""

    @property
    def owner(self) -> Owner:
        """Return whose this visitor's sessions and passkeys are."""
        if self.role is None:
            return Owner(OwnerKind.USER, self.user_id)
        return Owner(OwnerKind.STAFF, self.staff_id)


@dataclass(frozen=True, slots=True)
class SignInWish:
    """Why somebody is asked to sign in: which banks they may choose, where they go after, who asks for data.

    `staff` wishes accept members of staff only, others accept customers only. `unable` maps the banks that cannot serve
    the request to the id of the rule that says so.
    """

    path: str
    banks: tuple[str, ...]
    asker: str | None = None
    staff: bool = False
    unable: Mapping[str, str] = field(default_factory=dict)


def browser_id() -> str:
    """Return a random id of this browser that survives sign-in; makes it at the first time."""
    if _BROWSER not in session:
        session[_BROWSER] = secrets.token_urlsafe(16)
    return cast("str", session[_BROWSER])


def visitor() -> Visitor | None:
    """Return who is signed in."""
    return Visitor(**session[_VISITOR]) if _VISITOR in session else None


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


def sign_out() -> None:
    """End the session."""
    session.clear()
    cast("WebSession", session).rotate()
