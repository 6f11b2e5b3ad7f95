"""Client authentication by a signed assertion: private_key_jwt with ES256, single use (RFC 7523, OIDC Core §9)."""

from typing import Any

from authlib.oauth2.rfc6749 import InvalidClientError
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from broker.sandbox.bank import clock
from broker.sandbox.bank.context import Bank
from broker.sandbox.bank.oidc.client import AUTH_METHOD, Client
from broker.sandbox.bank.oidc.vault import spend_assertion

_LONGEST_ASSERTION = 4096
_LONGEST_LIFE = 600
_LEEWAY = 60
_NOT_ACCEPTED = "The client assertion is not acceptable."


class ClientAssertion(JWTBearerClientAssertion):  # type: ignore[misc]  # Authlib publishes no types
    """Authlib's check with one algorithm, a bounded life and one refusal for every malformed assertion."""

    CLIENT_AUTH_METHOD = AUTH_METHOD

    def __init__(self, bank: Bank) -> None:
        super().__init__(leeway=_LEEWAY)
        self._bank = bank

    def get_audiences(self) -> list[str]:
        """Return what an assertion may be addressed to: the issuer or its token endpoint."""
        return [self._bank.config.base_url, f"{self._bank.config.base_url}/token"]

    def extract_assertion(self, assertion: str) -> tuple[Any, Any]:
        """Read an assertion before its signature is checked.

        Raises: InvalidClientError whatever is wrong with it.
        """
        if len(assertion) > _LONGEST_ASSERTION:
            raise InvalidClientError(description=_NOT_ACCEPTED)
        try:
            headers, claims = super().extract_assertion(assertion)
        except (ValueError, TypeError, RecursionError) as error:
            raise InvalidClientError(description=_NOT_ACCEPTED) from error
        return headers, claims

    def process_assertion_claims(self, assertion: str, resolve_key: KeySet) -> dict[str, Any]:
        """Check signature and claims.

        Raises: InvalidClientError when either does not hold, or the assertion was used before.
        """
        try:
            claims = jwt.decode(assertion, resolve_key, algorithms=["ES256"]).claims
        except (JoseError, ValueError, TypeError) as error:
            raise InvalidClientError(description=_NOT_ACCEPTED) from error
        if not isinstance(claims.get("exp"), int) or claims["exp"] > clock.epoch() + _LONGEST_LIFE + _LEEWAY:
            raise InvalidClientError(description="The client assertion lives too long.")
        if not isinstance(claims.get("jti"), str):
            raise InvalidClientError(description="The client assertion needs a jti.")
        self.verify_claims(claims)
        return claims

    def validate_jti(self, claims: dict[str, Any], jti: str) -> bool:
        """Use the assertion up; False when it was used before."""
        with self._bank.sessions.begin() as session:
            return spend_assertion(session, claims["sub"], jti, claims["exp"] + _LEEWAY)

    def resolve_client_public_key(self, client: Client) -> KeySet:
        """Return the client's registered public keys."""
        return KeySet.import_key_set(dict(client.registered.jwks))  # type: ignore[arg-type]  # checked at start
