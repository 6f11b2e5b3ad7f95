"""The code flow: an authorization code that one client can use once, with the right verifier, within a minute."""

from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, InvalidRequestError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge

from broker.sandbox.bank import clock
from broker.sandbox.bank.context import bank
from broker.sandbox.bank.logins import Person, find_person
from broker.sandbox.bank.models import CodeRow
from broker.sandbox.bank.oidc.client import AUTH_METHOD, Client
from broker.sandbox.bank.oidc.request import ProviderRequest
from broker.sandbox.bank.oidc.vault import CODE_SECONDS, digest, spend_code, sweep


class SpentCode(AuthorizationCodeMixin):  # type: ignore[misc]  # Authlib publishes no types
    """A code that has just been used up, in the form that Authlib asks for."""

    def __init__(self, row: CodeRow) -> None:
        self.digest, self.subject, self.scope = row.digest, row.subject, row.scope
        self.redirect_uri, self.nonce, self.auth_time = row.redirect_uri, row.nonce, row.auth_time
        self.code_challenge, self.code_challenge_method = row.challenge, "S256"

    def get_redirect_uri(self) -> str:
        """Return the URI the code was sent to."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """Return the scope."""
        return self.scope

    def get_nonce(self) -> str:
        """Return the client's nonce."""
        return self.nonce

    def get_auth_time(self) -> int:
        """Return when the person gave their password (seconds since 1970)."""
        return self.auth_time

    def get_acr(self) -> None:
        """Return nothing: no authentication class is claimed."""

    def get_amr(self) -> list[str]:
        """Return how the person authenticated (RFC 8176)."""
        return ["pwd"]


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib publishes no types
    """Authlib's code grant on the bank's tables."""

    TOKEN_ENDPOINT_AUTH_METHODS = (AUTH_METHOD,)

    def save_authorization_code(self, code: str, request: ProviderRequest) -> None:
        """Keep a new code, as a digest."""
        data = request.payload.data
        now = clock.epoch()
        row = CodeRow(
            digest=digest(code),
            client_id=request.client.client_id,
            redirect_uri=request.payload.redirect_uri,
            scope=request.scope,
            subject=request.user.subject,
            nonce=data["nonce"],
            challenge=data["code_challenge"],
            auth_time=now,
            expires_at=now + CODE_SECONDS,
        )
        with bank().sessions.begin() as session:
            sweep(session, now)
            session.add(row)

    def query_authorization_code(self, code: str, client: Client) -> SpentCode | None:
        """Use the code up and return it; committed before anything else is checked, so a wrong verifier burns it."""
        with bank().sessions.begin() as session:
            row = spend_code(session, code, client.client_id, clock.epoch())
            return None if row is None else SpentCode(row)

    def delete_authorization_code(self, authorization_code: SpentCode) -> None:
        """Leave the spent code: it must be recognised if it comes again."""

    def authenticate_user(self, authorization_code: SpentCode) -> Person | None:
        """Return who signed in, unless they have left the bank."""
        with bank().sessions() as session:
            return find_person(session, authorization_code.subject)

    def generate_token(self, *, user: Person, scope: str, include_refresh_token: bool, **more: Any) -> dict[str, Any]:
        """Make the tokens; a refresh token only for those who asked for offline access (OIDC Core §11)."""
        offline = include_refresh_token and "offline_access" in scope.split()
        token: dict[str, Any] = super().generate_token(user=user, scope=scope, include_refresh_token=offline, **more)
        return token


class MandatoryS256(CodeChallenge):  # type: ignore[misc]  # Authlib publishes no types
    """PKCE with S256, state and the openid scope in every request: Authlib asks that of public clients only."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: CodeGrant, redirect_uri: str) -> None:
        """Check an authorization request.

        Raises: InvalidRequestError, InvalidScopeError when something is missing.
        """
        data = grant.request.payload.data
        if data.get("code_challenge_method") != "S256" or not data.get("code_challenge"):
            raise InvalidRequestError("A code_challenge with the method S256 is required.")
        if not data.get("state"):
            raise InvalidRequestError("A state is required.")
        if "openid" not in (data.get("scope") or "").split():
            raise InvalidScopeError("The scope openid is required.")
        super().validate_code_challenge(grant, redirect_uri)
