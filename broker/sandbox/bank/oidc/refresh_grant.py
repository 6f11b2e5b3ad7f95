"""Refreshing: a new access token for a refresh token, which stays the same until it is revoked."""

from authlib.oauth2.rfc6749.grants import RefreshTokenGrant

from broker.sandbox.bank import clock
from broker.sandbox.bank.context import bank
from broker.sandbox.bank.logins import Person, find_person
from broker.sandbox.bank.oidc.client import AUTH_METHOD
from broker.sandbox.bank.oidc.vault import TokenFacts, find_token


class RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]  # Authlib publishes no types
    """Authlib's refresh grant on the bank's tables, without rotation."""

    TOKEN_ENDPOINT_AUTH_METHODS = (AUTH_METHOD,)

    def authenticate_refresh_token(self, refresh_token: str) -> TokenFacts | None:
        """Return what the refresh token stands for, or None."""
        with bank().sessions() as session:
            return find_token(session, refresh_token, ("refresh",), clock.epoch())

    def authenticate_user(self, refresh_token: TokenFacts) -> Person | None:
        """Return whose token it is, unless they have left the bank."""
        with bank().sessions() as session:
            return find_person(session, refresh_token.subject)

    def revoke_old_credential(self, refresh_token: TokenFacts) -> None:
        """Leave the refresh token: it is not rotated."""
