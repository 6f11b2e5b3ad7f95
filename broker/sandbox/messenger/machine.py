"""Messenger as itself: calls to the broker without any person, with tokens of its own (client_credentials)."""

import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

import requests

from . import clock
from .oauth import OAuth, OAuthFailedError, Tokens

ALMOST_EXPIRED = timedelta(seconds=10)
UNAUTHORIZED, NO_CONTENT, TOO_MANY, SERVER_ERROR = 401, 204, 429, 500
PASSING = frozenset({"broker-unreachable", "temporarily_unavailable", "server_error"})


class MachineFailedError(Exception):
    """The broker refused or did not answer. `status` is 0 where there was no answer."""

    def __init__(self, code: str, status: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.status = status

    @property
    def may_pass(self) -> bool:
        """Tell whether the same call may go well later, as nothing was wrong with it."""
        return self.code in PASSING or self.status >= SERVER_ERROR or self.status == TOO_MANY


class Machine:
    """Calls with one token for each scope, for as long as it lives. Safe to share between threads."""

    def __init__(self, oauth: OAuth, http: requests.Session) -> None:
        self._oauth = oauth
        self._http = http
        self._tokens: dict[str, Tokens] = {}
        self._lock = threading.Lock()

    def endpoint(self, name: str) -> str:
        """Return an address of the broker's metadata.

        Raises:
            MachineFailedError: the metadata cannot be read, or has none.

        """
        try:
            return self._oauth.endpoint(name)
        except OAuthFailedError as error:
            raise MachineFailedError(error.code) from error

    def read(self, url: str) -> Mapping[str, Any]:
        """Read a public document of the broker.

        Raises:
            MachineFailedError: there is no such document, or no answer.

        """
        try:
            return _object(self._http.get(url))
        except requests.RequestException as error:
            raise MachineFailedError("broker-unreachable") from error

    def call(self, scope: str, method: str, url: str, body: Mapping[str, Any] | None = None) -> Any:
        """Call the broker with a token of this scope; return the JSON of its answer, None where it has none.

        Raises:
            MachineFailedError: refused, or no answer.

        """
        response = self._send(scope, method, url, body)
        if response.status_code == UNAUTHORIZED:
            with self._lock:
                self._tokens.pop(scope, None)
            response = self._send(scope, method, url, body)
        if response.status_code == NO_CONTENT or (response.ok and not response.content):
            return None
        return _json(response)

    def _send(self, scope: str, method: str, url: str, body: Mapping[str, Any] | None) -> requests.Response:
        try:
            proof = self._oauth.proof_of(self._token(scope))
            return self._http.request(method, url, json=body, headers={"Accept": "application/json"}, auth=proof)
        except requests.RequestException as error:
            raise MachineFailedError("broker-unreachable") from error
        except OAuthFailedError as error:
            raise MachineFailedError(error.code) from error
        except ValueError as error:
            raise MachineFailedError("invalid-answer") from error

    def _token(self, scope: str) -> str:
        with self._lock:
            known = self._tokens.get(scope)
            if known is None or known.expires_at <= clock.now() + ALMOST_EXPIRED:
                known = self._tokens[scope] = self._oauth.own_token(scope)
            return known.access


def _object(response: requests.Response) -> Mapping[str, Any]:
    answer = _json(response)
    if not isinstance(answer, dict):
        raise MachineFailedError("invalid-answer", response.status_code)
    return answer


def _json(response: requests.Response) -> Any:
    try:
        answer = response.json()
    except ValueError as error:
        raise MachineFailedError("invalid-answer", response.status_code) from error
    if not response.ok:
        code = cast("object", answer.get("code")) if isinstance(answer, dict) else None
        raise MachineFailedError(code if isinstance(code, str) else "refused", response.status_code)
    return answer
