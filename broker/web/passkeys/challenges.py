"""The challenges that passkeys sign: each is for one ceremony of one session, for five minutes, and counts once."""

from datetime import datetime, timedelta
from enum import StrEnum

from flask import session
from webauthn.helpers import bytes_to_base64url, generate_challenge

from broker.edge.services import services
from broker.errors import PasskeyRefused
from broker.storage.single_use import Claim

_KEY = "challenges"
_LIFE = timedelta(minutes=5)
_MOST = 6  # tabs of one browser
_STARTED_ANEW = "This page was open for too long, or belongs to another session. Please try again."


class Ceremony(StrEnum):
    """What a challenge is for: an answer to one never serves another."""

    REGISTER = "register"
    SIGN_IN = "sign-in"
    STEP_UP = "step-up"


def new(ceremony: Ceremony) -> bytes:
    """Make a challenge and keep it in this session; the oldest are forgotten beyond six."""
    made = generate_challenge()
    kept = [*session.get(_KEY, []), [ceremony.value, bytes_to_base64url(made), services().clock().isoformat()]]
    session[_KEY] = kept[-_MOST:]
    return made


def take(ceremony: Ceremony, challenge: bytes) -> None:
    """Use a challenge up, before anything else of the answer is believed; it is gone even when the answer is bad.

    Raises:
        PasskeyRefused: this session was given no such challenge for this ceremony, or too long ago, or it was used.
    """
    text = bytes_to_base64url(challenge)
    begun = {(kind, value): at for kind, value, at in session.get(_KEY, [])}.get((ceremony.value, text))
    now = services().clock()
    if begun is None or datetime.fromisoformat(begun) + _LIFE <= now:
        raise PasskeyRefused(_STARTED_ANEW, code="passkey-challenge-unknown")
    with services().database.write() as database:
        is_first = Claim("passkey", text, datetime.fromisoformat(begun) + _LIFE).take(database)
    if not is_first:
        raise PasskeyRefused("This answer was sent before. Please try again.", code="passkey-challenge-used")
