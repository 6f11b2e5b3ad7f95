"""Keeps tokens to the one resource there is (RFC 8707): what is meant for another server is refused."""

from collections.abc import Mapping

from broker.edge.services import services
from broker.oauth.errors import OAuthRefused


def check_resource(form: Mapping[str, str]) -> None:
    """Accept our own resource identifier, the base URL, or none.

    Raises:
        OAuthRefused: `invalid_target` (RFC 8707 §2).
    """
    base_url = services().settings.base_url
    if form.get("resource", base_url) != base_url:
        raise OAuthRefused("invalid_target", "Tokens of this server are for its own API.")
