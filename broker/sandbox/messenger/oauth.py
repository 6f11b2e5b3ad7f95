"""Messenger as an OAuth client: PAR, PKCE, private_key_jwt and DPoP through requests-oauth2client."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import requests
from requests_oauth2client import (
    AuthorizationRequest,
    AuthorizationResponseError,
    BearerToken,
    DPoPToken,
    InvalidAuthResponse,
    InvalidGrant,
    OAuth2Client,
    OAuth2Error,
    PrivateKeyJwt,
)

from . import clock
from .config import Config, is_safe_url, origin_of
from .grant import Granted, UnusableGrantError, read_granted, request_details
from .proofs import Proofs

ENDPOINTS = (
    "pushed_authorization_request_endpoint",
    "authorization_endpoint",
    "token_endpoint",
    "revocation_endpoint",
)
SHORTEST_LIFE = timedelta(seconds=60)
LONGEST_ID = 200
# An answer that is JSON but no object shows in the library as an AttributeError, one that is no JSON as a ValueError.
FAILURES = (OAuth2Error, requests.RequestException, ValueError, AttributeError)
CALLBACK_PARAMETERS = ("state", "iss", "code", "error", "error_description")


class OAuthFailedError(Exception):
    """The broker refused or did not make sense; the code is safe to show."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class GrantEndedError(OAuthFailedError):
    """The refresh token is worth nothing any more: the grant behind it has ended."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gave."""

    access: str = field(repr=False)
    refresh: str | None = field(repr=False)
    expires_at: datetime
    granted: Granted | None
    grant_id: str | None = None


@dataclass(frozen=True, slots=True)
class Departure:
    """A person about to be sent to the broker: the address, and what to remember until they return."""

    url: str
    state: str = field(repr=False)
    code_verifier: str = field(repr=False)


class OAuth:
    """The broker's authorization server, seen from Messenger."""

    def __init__(self, config: Config, dpop_jwk: Mapping[str, Any], http: requests.Session) -> None:
        self._config = config
        self._proofs = Proofs(dpop_jwk)
        self._http = http
        self._metadata: Mapping[str, Any] | None = None
        self._lock = threading.Lock()

    def push(self, bank_id: str | None) -> Departure:
        """Push an authorization request (RFC 9126) and say where to send the browser.

        Raises:
            OAuthFailedError: the broker refused it or cannot be reached.

        """
        client = self._client()
        details = request_details(bank_id, self._discover().get("scopes_supported"))
        request = self._request(client, authorization_details=details)
        try:
            pushed = client.pushed_authorization_request(request)
        except FAILURES as error:
            raise _failure(error) from error
        if not isinstance(pushed.request_uri, str) or not pushed.request_uri:
            raise OAuthFailedError("invalid-answer")
        return Departure(str(pushed.uri), str(request.state), str(request.code_verifier))

    def redeem(self, arguments: Mapping[str, str], state: str, code_verifier: str) -> Tokens:
        """Check the answer that the browser brought (state, iss: RFC 9207) and redeem its code.

        Raises:
            OAuthFailedError: the person said no (`access_denied`), or the answer or the code is not good.

        """
        client = self._client()
        request = self._request(client, state=state, code_verifier=code_verifier)
        # Only known parameters go on: the library hands every other one to a constructor as it came.
        known = {name: arguments[name] for name in CALLBACK_PARAMETERS if name in arguments}
        try:
            answer = request.validate_callback(f"?{urlencode(known)}")
            token = client.authorization_code(answer)
        except (*FAILURES, AuthorizationResponseError, InvalidAuthResponse) as error:
            raise _failure(error) from error
        return self._tokens(token, must_tell_grant=True)

    def refresh(self, refresh_token: str) -> Tokens:
        """Ask for a new access token.

        Raises:
            GrantEndedError: the broker says `invalid_grant`.
            OAuthFailedError: the broker refused otherwise or cannot be reached.

        """
        client = self._client()
        spent = DPoPToken(access_token="spent", refresh_token=refresh_token, _dpop_key=self._proofs.for_tokens())  # noqa: S106 - the library wants an object to refresh, this word is never sent
        try:
            token = client.refresh_token(spent)
        except InvalidGrant as error:
            raise GrantEndedError("grant-ended") from error
        except FAILURES as error:
            raise _failure(error) from error
        return self._tokens(token, must_tell_grant=False)

    def revoke(self, tokens: Mapping[str, str]) -> None:
        """End tokens at the broker (RFC 7009), given by their type hints.

        Raises:
            OAuthFailedError: the broker did not confirm each of them.

        """
        client = self._client()
        for hint, token in tokens.items():
            try:
                confirmed = client.revoke_token(token, hint)
            except FAILURES as error:
                raise _failure(error) from error
            if not confirmed:
                raise OAuthFailedError("revocation-not-confirmed")

    def own_token(self, scope: str) -> Tokens:
        """Ask for a token for Messenger itself, bound to its key.

        Raises:
            OAuthFailedError: the broker refused it or cannot be reached.

        """
        client = self._client()
        try:
            token = client.client_credentials(scope=scope, dpop=True, dpop_key=self._proofs.for_tokens())
        except FAILURES as error:
            raise _failure(error) from error
        return self._tokens(token, must_tell_grant=False)

    def endpoint(self, name: str) -> str:
        """Return one more address of the broker's metadata.

        Raises:
            OAuthFailedError: there is none, or the broker cannot be reached.

        """
        url = self._discover().get(name)
        if not isinstance(url, str) or not is_safe_url(url):
            raise OAuthFailedError("invalid-metadata")
        return url

    def proof_of(self, access_token: str) -> DPoPToken:
        """Make the authentication of an API call: the token and a proof of possession (RFC 9449 §7.1).

        Raises:
            ValueError: the token holds characters that no token has.

        """
        return DPoPToken(access_token=access_token, _dpop_key=self._proofs.for_api())

    def _request(self, client: OAuth2Client, **parameters: Any) -> AuthorizationRequest:
        return client.authorization_request(
            scope=None,
            dpop_key=self._proofs.for_tokens(),
            authorization_response_iss_parameter_supported=True,
            **parameters,
        )

    def _client(self) -> OAuth2Client:
        metadata = self._discover()
        config = self._config
        return OAuth2Client(
            **{name: metadata[name] for name in ENDPOINTS},
            issuer=config.issuer,
            redirect_uri=config.redirect_uri,
            auth=PrivateKeyJwt(config.client_id, dict(config.client_jwk), alg="ES256", aud=config.issuer),
            dpop_bound_access_tokens=True,
            session=self._http,
            # The library's own check forbids http even on loopback hosts; _discover has checked each URL.
            testing=True,
        )

    def _discover(self) -> Mapping[str, Any]:
        """Read the broker's metadata once (RFC 8414 §3): its issuer must be ours, its URLs safe."""
        with self._lock:
            if self._metadata is None:
                self._metadata = self._read_metadata()
            return self._metadata

    def _read_metadata(self) -> Mapping[str, Any]:
        issuer = self._config.issuer
        path = issuer.removeprefix(origin_of(issuer))
        try:
            response = self._http.get(f"{origin_of(issuer)}/.well-known/oauth-authorization-server{path}")
            metadata = response.json() if response.ok else None
        except (requests.RequestException, ValueError) as error:
            raise _failure(error) from error
        if not isinstance(metadata, dict) or metadata.get("issuer") != issuer:
            raise OAuthFailedError("invalid-metadata")
        if not all(isinstance(metadata.get(name), str) and is_safe_url(metadata[name]) for name in ENDPOINTS):
            raise OAuthFailedError("invalid-metadata")
        return metadata

    def _tokens(self, token: BearerToken, *, must_tell_grant: bool) -> Tokens:
        now = clock.now()
        details = token.kwargs.get("authorization_details")
        try:
            granted = read_granted(details, now) if must_tell_grant or details is not None else None
        except UnusableGrantError as error:
            raise OAuthFailedError("invalid-answer") from error
        if not isinstance(token, DPoPToken) or not isinstance(token.refresh_token, str | None):
            raise OAuthFailedError("invalid-answer")
        grant_id = token.kwargs.get("grant_id")
        return Tokens(
            token.access_token,
            token.refresh_token,
            token.expires_at or now + SHORTEST_LIFE,
            granted,
            grant_id if isinstance(grant_id, str) and 0 < len(grant_id) <= LONGEST_ID else None,
        )


def _failure(error: Exception) -> OAuthFailedError:
    if isinstance(error, requests.JSONDecodeError):
        return OAuthFailedError("invalid-answer")
    if isinstance(error, requests.RequestException):
        return OAuthFailedError("broker-unreachable")
    code = getattr(error, "error", None)
    known_shape = isinstance(code, str) and code.isascii() and code.replace("_", "").isalnum()
    return OAuthFailedError(str(code)[:60] if known_shape else "invalid-answer")
