"""Messenger's proofs of possession (RFC 9449), with the nonces that the broker's two servers want in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from jwskate import Jwk
from requests_oauth2client import DPoPKey

from . import clock


@dataclass(slots=True)
class LastNonces:
    """What each server asked for last; they differ, and neither takes the other's (RFC 9449 §8, §9)."""

    of_tokens: str | None = None
    of_api: str | None = None


class _Key(DPoPKey):
    """The library's key for one request, which tells what it learned.

    A fresh one each time: the library takes a nonce that it was given twice for a loop without end, and requests
    that share a key could be given the same.
    """

    def __init__(self, jwk: Jwk, last: LastNonces, as_nonce: str | None, rs_nonce: str | None) -> None:
        super().__init__(jwk, iat_generator=_seconds, as_nonce=as_nonce, rs_nonce=rs_nonce)
        self._last = last

    def handle_as_provided_dpop_nonce(self, response: requests.Response) -> None:
        super().handle_as_provided_dpop_nonce(response)
        self._last.of_tokens = self.as_nonce

    def handle_rs_provided_dpop_nonce(self, response: requests.Response) -> None:
        super().handle_rs_provided_dpop_nonce(response)
        self._last.of_api = self.rs_nonce


class Proofs:
    """Makes keys for requests. Safe to share between threads: an old nonce costs one more call and no more."""

    def __init__(self, jwk: Mapping[str, Any]) -> None:
        self._jwk = Jwk(dict(jwk))
        self._last = LastNonces()

    def for_tokens(self) -> DPoPKey:
        """Make the key of one request to the authorization server."""
        return _Key(self._jwk, self._last, self._last.of_tokens, None)

    def for_api(self) -> DPoPKey:
        """Make the key of one call of the API."""
        return _Key(self._jwk, self._last, None, self._last.of_api)


def _seconds() -> int:
    return int(clock.now().timestamp())
