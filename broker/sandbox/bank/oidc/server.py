"""Puts the provider together from Authlib's parts."""

from secrets import token_urlsafe
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from flask import request as flask_request

from broker.sandbox.bank import clock
from broker.sandbox.bank.context import Bank, bank
from broker.sandbox.bank.oidc.assertion import ClientAssertion
from broker.sandbox.bank.oidc.client import AUTH_METHOD, Client
from broker.sandbox.bank.oidc.code_grant import CodeGrant, MandatoryS256
from broker.sandbox.bank.oidc.identity import Identity
from broker.sandbox.bank.oidc.refresh_grant import RefreshGrant
from broker.sandbox.bank.oidc.request import ProviderRequest
from broker.sandbox.bank.oidc.scopes import scopes_of
from broker.sandbox.bank.oidc.vault import ACCESS_TOKEN_SECONDS, TokenFacts, end_family, find_token, keep_token


class Provider(AuthorizationServer):  # type: ignore[misc]  # Authlib publishes no types
    """Authlib's server with the bank's clients and tokens."""

    def __init__(self, running: Bank) -> None:
        super().__init__()
        config = running.config
        self._clients = {client.client_id: Client(client) for client in config.clients}
        self._base_url = config.base_url
        self.scopes_supported = scopes_of(config.standard)
        access, refresh = _secrets(f"{config.bank_id}_at_"), _secrets(f"{config.bank_id}_rt_")
        self.register_token_generator("default", BearerTokenGenerator(access, refresh, ACCESS_TOKEN_SECONDS))
        self.register_client_auth_method(AUTH_METHOD, ClientAssertion(running))
        self.register_grant(CodeGrant, [MandatoryS256(), Identity(running)])
        self.register_grant(RefreshGrant)
        self.register_endpoint(Revocation)

    def query_client(self, client_id: str) -> Client | None:
        """Return a registered client, or None."""
        return self._clients.get(client_id)

    def create_oauth2_request(self, request: object) -> ProviderRequest:  # noqa: ARG002 - Authlib passes None
        """Return the present request in the form that Authlib asks for."""
        return ProviderRequest(flask_request, self._base_url)

    def save_token(self, token: dict[str, Any], request: ProviderRequest) -> None:
        """Keep new tokens, as digests, in the family of the code they stem from."""
        origin = request.refresh_token
        family = request.authorization_code.digest if origin is None else origin.family
        facts = TokenFacts(request.client.client_id, request.user.subject, token["scope"], family)
        with bank().sessions.begin() as session:
            keep_token(session, token["access_token"], facts, "access", clock.epoch() + ACCESS_TOKEN_SECONDS)
            if "refresh_token" in token:
                keep_token(session, token["refresh_token"], facts, "refresh", None)


class Revocation(RevocationEndpoint):  # type: ignore[misc]  # Authlib publishes no types
    """Ends the whole family of a token, whichever of its tokens is shown (RFC 7009 §2.1)."""

    CLIENT_AUTH_METHODS = (AUTH_METHOD,)

    def query_token(self, token_string: str, token_type_hint: str | None) -> TokenFacts | None:  # noqa: ARG002 - a hint
        """Return what the token stands for, looking through all kinds whatever the hint says."""
        with bank().sessions() as session:
            return find_token(session, token_string, ("access", "refresh"), clock.epoch())

    def revoke_token(self, token: TokenFacts, request: ProviderRequest) -> None:  # noqa: ARG002 - Authlib's signature
        """End the family."""
        with bank().sessions.begin() as session:
            end_family(session, token.family, clock.epoch())


def _secrets(prefix: str) -> Any:
    def generate(**_about: object) -> str:
        return prefix + token_urlsafe(32)

    return generate
