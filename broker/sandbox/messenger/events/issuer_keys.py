"""The public keys of the broker: kept, and read again when a token names one that is not among them."""

import threading
import time
from collections.abc import Callable
from typing import Any

import requests
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

PAUSE_S = 5.0
"""Between two looks: whoever invents key ids cannot make Messenger ask the broker without end."""
LIFE_S = 600.0
"""After this they are read again, so that a key that was taken away is forgotten."""
MOST_KEYS = 50

Key = ECKey | OKPKey | RSAKey


class KeysUnavailableError(Exception):
    """The keys cannot be read now."""


class IssuerKeys:
    """Finds keys by their id. Safe to share between threads."""

    def __init__(
        self, http: requests.Session, jwks_uri: Callable[[], str], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._http = http
        self._jwks_uri = jwks_uri
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: dict[str, Key] = {}
        self._asked_at: float | None = None
        self._read_at: float | None = None

    def find(self, kid: str) -> Key | None:
        """Return the key with this id, None when the issuer publishes none.

        Raises:
            KeysUnavailableError: the issuer does not answer, or has been asked a moment ago.

        """
        with self._lock:
            now = self._monotonic()
            is_fresh = self._read_at is not None and now - self._read_at < LIFE_S
            if is_fresh and kid in self._known:
                return self._known[kid]
            if self._asked_at is None or now - self._asked_at >= PAUSE_S:
                self._asked_at = now
                self._known = self._read()
                self._read_at = now
                return self._known.get(kid)
            raise KeysUnavailableError

    def _read(self) -> dict[str, Key]:
        try:
            response = self._http.get(self._jwks_uri())
            answer: Any = response.json() if response.ok else None
            members = answer["keys"]
            if not isinstance(members, list) or len(members) > MOST_KEYS:
                raise KeysUnavailableError
            # Keys of kinds that we do not know are no reason to refuse those that we do.
            signing = [one for one in members if one.get("kty") in {"EC", "RSA", "OKP"} and one.get("use") == "sig"]
            keys = KeySet.import_key_set({"keys": [{k: v for k, v in one.items() if k != "d"} for one in signing]})
        except (requests.RequestException, JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise KeysUnavailableError from error
        return {key.kid: key for key in keys.keys if key.kid and isinstance(key, Key)}
