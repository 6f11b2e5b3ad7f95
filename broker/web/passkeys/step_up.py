"""Asks for a passkey again before what must not happen by mistake or by a stolen session.

A page that needs it says so in two lines, before it acts:

    if step_up.needed(user_id):
        return step_up.page_for(f"/consent/{grant_id}")

`needed` is true for a person who has a passkey and has not used one in this session within the last five minutes.
`page_for` leads to a page that asks for it and comes back to the address, which has to be one of `RETURN_TO`.
"""

import re
from datetime import timedelta
from urllib.parse import urlencode

from werkzeug.wrappers import Response as AnyResponse

from broker.edge import visitor
from broker.edge.answers import see_other
from broker.edge.gates import signed_in
from broker.edge.services import services
from broker.edge.visitor import Means, proved_within
from broker.errors import InvalidRequest
from broker.users.passkeys import Owner, OwnerKind
from broker.web.passkeys import ceremony
from broker.web.passkeys.challenges import Ceremony

LIFE = timedelta(minutes=5)
RETURN_TO = re.compile(r"/account|/account/close|/consent/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""The pages of ours to which it leads back; no other address is followed."""


def needed(user_id: str) -> bool:
    """Say whether this person has a passkey and has to use it before they go on."""
    if is_fresh():
        return False
    with services().database.read() as session:
        return services().passkeys.has_any(session, Owner(OwnerKind.USER, user_id))


def prove(answer: str) -> None:
    """Judge what the browser says of the passkey of whoever is signed in, and remember that it was used.

    Raises:
        PasskeyRefused: it proves nothing about them.
    """
    ceremony.proved(Ceremony.STEP_UP, answer, signed_in().owner)
    visitor.step_up()


def waits_for(user_id: str, answer: str | None) -> bool:
    """Say whether this person's passkey has still to be asked for; an answer that came along is judged.

    Raises:
        PasskeyRefused: the answer proves nothing.
    """
    if not needed(user_id):
        return False
    if answer is None:
        return True
    prove(answer)
    return False


def is_fresh() -> bool:
    """Say whether a passkey was used in this session within the last five minutes."""
    return proved_within(Means.PASSKEY, LIFE)


def page_for(return_to: str) -> AnyResponse:
    """Lead to the page that asks for the passkey, and back from there.

    Raises:
        InvalidRequest: the address is none of ours.
    """
    return see_other(f"/step-up?{urlencode({'next': landing(return_to)})}")


def landing(wanted: str) -> str:
    """Return the address if it may be led to.

    Raises:
        InvalidRequest: it may not.
    """
    if not RETURN_TO.fullmatch(wanted):
        raise InvalidRequest("This address does not lead on. Go back to where you started and try again.")
    return wanted
