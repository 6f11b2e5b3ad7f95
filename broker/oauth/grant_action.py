"""Reads what a request means to do with grants (Grant Management for OAuth 2.0, draft 03, §4.2)."""

from collections.abc import Mapping

from broker.oauth.errors import OAuthRefused


def check_grant_action(form: Mapping[str, str]) -> None:
    """Refuse to start a new grant for a request that means another one.

    Raises:
        OAuthRefused: `invalid_request` for a `grant_id`, and for any action but `create`.
    """
    if "grant_id" in form:
        raise OAuthRefused("invalid_request", "A grant that stands cannot be amended here.")
    if form.get("grant_management_action", "create") != "create":
        raise OAuthRefused("invalid_request", "The only grant_management_action is create.")
