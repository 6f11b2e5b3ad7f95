"""Which sign-in a link or a form asks for: where it leads afterwards, and which banks may be chosen."""

import hashlib
import re
from urllib.parse import urlsplit

from broker.banks.service import Bank, all_banks
from broker.edge.services import services
from broker.edge.visitor import SignInWish, keep_wish, wish_of
from broker.edge.ways_back import leads_back
from broker.errors import InvalidRequest

_HOME = "/my-sharing"
_OTHERWISE = "does not share what the app asks for at the moment"
_LESS = "does not share as much as the app asks for"
_REASONS = {
    "bank.duration": _LESS,
    "bank.history": _LESS,
    "bank.frequency": _LESS,
    "switch.bank": "sharing from this bank is turned off at the moment",
    "switch.platform": "sharing with this app is turned off at the moment",
    "switch.category": "sharing what the app asks for is turned off at the moment",
}
"""By the id of the rule that says so."""
_PLAIN_QUERY = re.compile(r"[A-Za-z0-9=&%_.:+-]{0,300}")


def kept(wish_id: str) -> SignInWish:
    """Return a wish of this browser.

    Raises:
        InvalidRequest: this browser has no such wish (any more).
    """
    found = wish_of(wish_id)
    if found is None:
        raise InvalidRequest("This sign-in has expired in this browser. Go back to where you started and try again.")
    return found


def towards(wanted: str) -> str:
    """Keep a wish to see one of our pages and return its id; any other address leads to My sharing."""
    path = _landing(wanted)
    with services().database.read() as session:
        banks = tuple(bank.id for bank in all_banks(session))
    wish_id = f"to-{hashlib.sha256(path.encode()).hexdigest()[:16]}"
    keep_wish(wish_id, SignInWish(path=path, banks=banks))
    return wish_id


def towards_console(bank: Bank) -> str:
    """Keep a wish to see one bank's console and return its id."""
    wish_id = f"console-{bank.id}"
    keep_wish(wish_id, SignInWish(path=f"/console/{bank.id}", banks=(bank.id,), staff=True))
    return wish_id


def choices(wish: SignInWish) -> list[Bank]:
    """Return the banks that may be chosen, ordered by name."""
    with services().database.read() as session:
        return [bank for bank in all_banks(session) if bank.id in wish.banks]


def unable(wish: SignInWish) -> list[tuple[str, str]]:
    """Return the names of the banks that cannot serve what an app asks for, each with the reason in words."""
    with services().database.read() as session:
        found = [bank for bank in all_banks(session) if bank.id in wish.unable]
    return [(bank.name, _REASONS.get(wish.unable[bank.id], _OTHERWISE)) for bank in found]


def _landing(wanted: str) -> str:
    """Take a path of ours out of what a link says; another site's address must never be followed."""
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return _HOME
    if parts.scheme or parts.netloc or not leads_back(parts.path):
        return _HOME
    is_plain = parts.query and _PLAIN_QUERY.fullmatch(parts.query)
    return f"{parts.path}?{parts.query}" if is_plain else parts.path
