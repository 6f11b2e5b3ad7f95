"""Ends tokens at the client's wish (RFC 7009): tokens, never the grant behind them."""

from collections.abc import Mapping
from typing import Any

from broker.edge.services import services
from broker.oauth.clients import announced_endpoint, authenticate_holder
from broker.oauth.form import required
from broker.oauth.proofs import spend
from broker.tokens.machine import end_machine
from broker.tokens.service import end_token


def revoke(form: Mapping[str, str]) -> None:
    """End one token of this client; an unknown or another client's token is left alone, without a word.

    Raises:
        OAuthRefused: the client is refused.
        InvalidRequest: there is no token in the request.
        StorageUnavailable: nothing has ended: success is never claimed of what was not stored.
    """
    client = authenticate_holder(form)
    token = required(form, "token")
    with services().database.write() as session:
        replayed = spend(session, client)
        if replayed is None:
            now = services().clock()
            end_token(session, token, client.platform.id, now)
            end_machine(session, token, client.platform.id, now)
    if replayed is not None:
        raise replayed


def announced(base_url: str) -> dict[str, Any]:
    """Return what the metadata says of this endpoint (RFC 8414 §2)."""
    return announced_endpoint("revocation_endpoint", f"{base_url}/oauth/revoke")
