"""Learns from a bank who signed in: begins the journey to the bank, and judges what came back."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import FlaskIntegration
from flask import session
from joserfc.errors import JoseError
from werkzeug.datastructures import MultiDict

from broker.banks.connector import Credential
from broker.banks.service import Bank
from broker.edge.services import services
from broker.edge.ways_back import keep_way_on
from broker.errors import SignInRefused
from broker.outbound import TOKEN_FORM
from broker.web.sign_in.endpoints import endpoints_of
from broker.web.sign_in.provider import BankClient, client_of, redirect_uri

_IDENTITY_SCOPE = "openid profile"
_SUBJECT = re.compile(r"[!-~]{1,255}")  # OpenID Connect Core §2: at most 255 ASCII characters
_LONGEST_NAME = 120
_LONGEST_LIFE_S = 86_400
_CLOCK_SKEW_S = 60
_MOST_JOURNEYS = 8
_STAFF_ROLES = {"auditor", "admin"}
# What Authlib, joserfc and requests raise when a bank's answer is not what it should be.
_UNUSABLE = (
    AuthlibBaseError,
    JoseError,
    requests.RequestException,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RecursionError,
    OverflowError,
)


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Whom the bank confirmed. `role` is None for a customer.

    `credential` is what the broker may fetch the customer's data with; None when the sign-in asked for no data.
    """

    subject: str
    name: str
    role: str | None
    credential: Credential | None


@dataclass(frozen=True, slots=True)
class Journey:
    """One way to a bank and back. `wish` says what for, `asked_for_data` whether it was for more than a name.

    `was_cancelled` says that the person turned back at the bank.
    """

    wish: str
    asked_for_data: bool
    was_cancelled: bool
    client: BankClient


def begin(bank: Bank, wish: str, *, asks_for_data: bool) -> str:
    """Remember a new journey in this browser's session and return the address at the bank.

    Only a consent asks for data: who just looks at My sharing leaves no token behind that could fetch any.

    Raises:
        BankUnavailable: or one of its kinds.
    """
    _begins_again_at(wish)
    client = client_of(bank, endpoints_of(bank), _scope(bank, asks_for_data=asks_for_data))
    back = redirect_uri(bank)
    started = client.create_authorization_url(back)
    _forget_oldest()
    client.save_authorize_data(redirect_uri=back, wish=wish, asks_for_data=asks_for_data, **started)
    return str(started["url"])


def returned(bank: Bank, sent: MultiDict[str, str]) -> Journey:
    """Recognise a journey that this browser began; nothing is asked of the bank before it is recognised.

    Raises:
        SignInRefused: this browser began no such journey, or the answer is another issuer's or an error.
        BankUnavailable: or one of its kinds.
    """
    if any(len(values) > 1 for _, values in sent.lists()):
        raise SignInRefused("The bank's answer says the same thing twice. Please try again.")
    begun = FlaskIntegration(bank.id).get_state_data(session, sent.get("state"))
    if begun is None:
        raise SignInRefused("This sign-in was not started in this browser, or was used before. Please start again.")
    _begins_again_at(begun["wish"])
    endpoints = endpoints_of(bank)
    client = client_of(bank, endpoints, _scope(bank, asks_for_data=begun["asks_for_data"]))
    issuer = sent.get("iss")
    # RFC 9207 §2.4: an answer that names another issuer, or none where the bank promised one, is not this bank's.
    if issuer != bank.issuer and (issuer is not None or endpoints.names_issuer):
        raise SignInRefused("The answer does not come from the bank that you chose.")
    error = sent.get("error")
    if error is not None:
        client.framework.clear_state_data(session, sent.get("state"))
    if error not in {None, "access_denied"} or (error is None and not sent.get("code")):
        raise SignInRefused("The bank could not sign you in. Please try again.")
    return Journey(begun["wish"], begun["asks_for_data"], error is not None, client)


def confirmed(bank: Bank, journey: Journey) -> Confirmed:
    """Exchange the code and check the ID token (OpenID Connect Core §3.1.3.7).

    Raises:
        SignInRefused: the bank's answer cannot be trusted.
        BankUnavailable: or one of its kinds.
    """
    required = {"iss": [bank.issuer], "aud": [bank.client_id]}
    options: dict[str, Any] = {name: {"essential": True, "values": values} for name, values in required.items()}
    options |= {name: {"essential": True} for name in ("sub", "nonce", "exp", "iat")}
    try:
        token = journey.client.authorize_access_token(claims_options=options, leeway=_CLOCK_SKEW_S)
        claims = token["userinfo"]
        credential = _credential(token)
        return Confirmed(_subject(claims), _name(claims), _role(claims), credential if journey.asked_for_data else None)
    except _UNUSABLE as error:
        # The cause may quote the bank's answer: it is chained for the debugger, never told.
        raise SignInRefused("The bank's answer could not be trusted, so you were not signed in.") from error


def _begins_again_at(wish: str) -> None:
    """If the bank fails, let the visitor choose it again for the same wish: a code and a state serve only once."""
    keep_way_on(f"/sign-in?{urlencode({'for': wish})}")


def _scope(bank: Bank, *, asks_for_data: bool) -> str:
    return bank.sign_in_scope if asks_for_data else _IDENTITY_SCOPE


def _subject(claims: dict[str, Any]) -> str:
    subject = claims["sub"]
    if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
        raise ValueError("sub")
    return subject


def _name(claims: dict[str, Any]) -> str:
    """Return a name to greet by; a bank that tells none leaves the visitor without one."""
    name = claims.get("name")
    shown = "".join(c for c in name if c.isprintable()).strip() if isinstance(name, str) else ""
    return shown[:_LONGEST_NAME] or "Customer"


def _role(claims: dict[str, Any]) -> str | None:
    role = claims.get("role")
    if role is not None and role not in _STAFF_ROLES:
        raise ValueError("role")
    return role


def _credential(token: dict[str, Any]) -> Credential:
    access, refresh, life = token["access_token"], token.get("refresh_token"), token.get("expires_in", 300)
    if str(token["token_type"]).lower() != "bearer" or not isinstance(life, int) or life <= 0:
        raise ValueError("token")
    if not TOKEN_FORM.fullmatch(access) or (refresh is not None and not TOKEN_FORM.fullmatch(refresh)):
        raise ValueError("token")
    return Credential(access, refresh, services().wall() + timedelta(seconds=min(life, _LONGEST_LIFE_S)))


def _forget_oldest() -> None:
    """Keep the session small: somebody may begin a journey again and again."""
    begun = [key for key in session if key.startswith("_state_")]
    for key in begun[: -_MOST_JOURNEYS + 1]:
        session.pop(key)
