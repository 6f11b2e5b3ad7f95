"""What an ID token says about the person who signed in."""

from typing import Any

from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from joserfc.jwk import ECKey
from sqlalchemy import select

from broker.sandbox.bank.context import Bank, bank
from broker.sandbox.bank.logins import Person
from broker.sandbox.bank.models import CodeRow
from broker.sandbox.bank.oidc.client import Client
from broker.sandbox.bank.oidc.request import ProviderRequest

_LIFE_SECONDS = 300


def claims_of(person: Person, scope: str) -> dict[str, str]:
    """Return the claims that a scope gives: the name needs profile, and only staff have a role."""
    claims = {"sub": person.subject}
    if "profile" in scope.split():
        claims["name"] = person.name
        if person.role is not None:
            claims["role"] = person.role
    return claims


class Identity(OpenIDCode):  # type: ignore[misc]  # Authlib publishes no types
    """Adds a signed ID token to the code flow (OIDC Core §3.1)."""

    DEFAULT_EXPIRES_IN = _LIFE_SECONDS

    def __init__(self, running: Bank) -> None:
        super().__init__(require_nonce=True)
        self._bank = running

    def exists_nonce(self, nonce: str, request: ProviderRequest) -> bool:
        """Tell whether this client has used the nonce before."""
        with bank().sessions() as session:
            same = (CodeRow.nonce == nonce) & (CodeRow.client_id == request.payload.client_id)
            return session.scalar(select(CodeRow.digest).where(same).limit(1)) is not None

    def resolve_client_private_key(self, _client: Client) -> ECKey:
        """Return the key that signs."""
        return self._bank.keys.signing

    def get_client_algorithm(self, _client: Client) -> str:
        """Return the algorithm of the signature."""
        return "ES256"

    def get_encode_header(self, _client: Client) -> dict[str, Any]:
        """Return the header of the signature."""
        return {"alg": "ES256", "kid": self._bank.keys.signing.kid}

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        """Return issuer and audience; Authlib adds the instants."""
        return {"iss": self._bank.config.base_url, "aud": client.client_id}

    def generate_user_info(self, user: Person, scope: str) -> UserInfo:
        """Return what the token says about the person."""
        return UserInfo(claims_of(user, scope))
