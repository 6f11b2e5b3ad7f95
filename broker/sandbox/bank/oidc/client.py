"""A registered client in the form that Authlib asks for."""

from dataclasses import dataclass

from authlib.oauth2.rfc6749 import ClientMixin

from broker.sandbox.bank.config import RegisteredClient

AUTH_METHOD = "private_key_jwt"


@dataclass(frozen=True, slots=True)
class Client(ClientMixin):  # type: ignore[misc]  # Authlib publishes no types
    """A confidential client: code flow and refresh, authenticated by a signed assertion, redirect URIs exact."""

    registered: RegisteredClient

    @property
    def client_id(self) -> str:
        """Return the client's identifier."""
        return self.registered.client_id

    @property
    def name(self) -> str:
        """Return the name people know the client by."""
        return self.registered.client_name

    def get_client_id(self) -> str:
        """Return the client's identifier."""
        return self.registered.client_id

    def get_default_redirect_uri(self) -> None:
        """Return nothing: a request always names its redirect URI."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """Return the scope when each part is registered for this client, else None, which refuses the request."""
        parts = (scope or "").split()
        return " ".join(parts) if parts and set(parts) <= set(self.registered.scopes) else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Tell whether the URI is registered, character for character."""
        return redirect_uri in self.registered.redirect_uris

    def check_client_secret(self, _secret: str) -> bool:
        """Tell that no shared secret is ever right."""
        return False

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        """Tell whether a client may authenticate this way."""
        return method == AUTH_METHOD

    def check_response_type(self, response_type: str) -> bool:
        """Tell whether the response type is the code flow's."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """Tell whether the client may use this grant."""
        return grant_type in ("authorization_code", "refresh_token")
