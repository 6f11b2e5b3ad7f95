"""Who is behind this browser: nobody yet, a person, a member of a bank's or a platform's staff; where it is to go."""

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import cast

from flask import session

from broker.edge.session import WebSession

_BROWSER, _VISITOR, _WISHES = "browser", "visitor", "wishes"
_JOURNEY = "_state_"  # Authlib's name for a sign-in under way: another tab's goes on
_MOST_WISHES = 8


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever signed in. `role` is None for a person, `auditor` or `admin` for staff; `user_id` is empty for staff.

    For somebody of a platform `role` is `developer`, `platform_id` the platform and `person_id` who they are there;
    `bank_id` is empty.

    `wish` is the sign-in wish that this sign-in fulfilled: a consent needs one made for it alone.
    """

    bank_id: str
    name: str
    user_id: str = ""
    role: str | None = None
    wish: str = ""
    platform_id: str = ""
    person_id: str = ""


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


def sign_in(new: Visitor) -> None:
    """Make this browser's session the visitor's, under a new id; what another visitor did is forgotten."""
    kept = {name: session[name] for name in session if name in {_BROWSER, _WISHES} or name.startswith(_JOURNEY)}
    session.clear()
    session.update(kept)
    session[_VISITOR] = asdict(new)
    cast("WebSession", session).rotate()


def sign_out() -> None:
    """End the session."""
    session.clear()
    cast("WebSession", session).rotate()
