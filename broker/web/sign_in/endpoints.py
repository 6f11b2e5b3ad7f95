"""Where a bank signs people in, read from its metadata and kept for ten minutes.

Anybody may open the pages that need this: without the memory, each visit would be a call to the bank.
"""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import requests
from flask import current_app
from flask.blueprints import BlueprintSetupState

from broker.banks.service import Bank
from broker.edge.services import services
from broker.errors import BankInvalidAnswer
from broker.outbound import is_at

_KEPT_FOR = timedelta(minutes=10)
_MOST_KEPT = 256
_KEY = "broker.sign_in.endpoints"
_OK = 200


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What is used of a bank's metadata (OpenID Connect Discovery 1.0 §3)."""

    authorization: str
    token: str
    jwks: str
    names_issuer: bool


class KeptEndpoints:
    """The endpoints of the banks asked last, in the memory of one process. Threads may share it.

    The key is all that is known of a bank: what the operator changes counts at once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[Bank, tuple[datetime, Endpoints]] = {}

    def find(self, bank: Bank, now: datetime) -> Endpoints | None:
        """Return a bank's endpoints, None when they are not known or too old."""
        with self._lock:
            since, found = self._kept.get(bank, (now, None))
        return found if now - since < _KEPT_FOR else None

    def keep(self, bank: Bank, found: Endpoints, now: datetime) -> None:
        """Remember a bank's endpoints; the oldest are forgotten beyond 256."""
        with self._lock:
            self._kept.pop(bank, None)
            self._kept[bank] = (now, found)
            if len(self._kept) > _MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))


def register(state: BlueprintSetupState) -> None:
    """Give the application that mounts the sign-in pages its own memory."""
    state.app.extensions[_KEY] = KeptEndpoints()


def endpoints_of(bank: Bank) -> Endpoints:
    """Return the bank's endpoints, from memory when they are fresh.

    Raises:
        BankUnavailable: or BankInvalidAnswer, when the metadata is another issuer's or leads to another host.
    """
    kept = cast("KeptEndpoints", current_app.extensions[_KEY])
    now = services().wall()
    found = kept.find(bank, now)
    if found is None:
        # Read without the lock: a slow bank must not make its visitors queue behind one another.
        found = _read(bank)
        kept.keep(bank, found, now)
    return found


def _read(bank: Bank) -> Endpoints:
    url = f"{bank.issuer.rstrip('/')}/.well-known/openid-configuration"
    try:
        answer: requests.Response = services().bank_session(bank.id).get(url, headers={"Accept": "application/json"})
        found = answer.json() if answer.status_code == _OK else None
    except (requests.RequestException, ValueError, RecursionError) as error:
        raise BankInvalidAnswer from error
    # RFC 8414 §3.3: the issuer has to be identical, or the metadata must not be used.
    if not isinstance(found, dict) or found.get("issuer") != bank.issuer:
        raise BankInvalidAnswer
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    urls = [found.get(name) for name in names]
    if not all(is_at(url, bank.issuer, bank.api_base) for url in urls):
        raise BankInvalidAnswer
    authorization, token, jwks = map(str, urls)
    return Endpoints(authorization, token, jwks, found.get("authorization_response_iss_parameter_supported") is True)
