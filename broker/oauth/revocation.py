"""Ends tokens at the client's wish (RFC 7009): tokens, never the grant behind them."""

from collections.abc import Mapping

from broker.edge.services import services
from broker.oauth.clients import authenticate_platform
from broker.oauth.form import required
from broker.oauth.proofs import spend
from broker.tokens.service import end_token


def revoke(form: Mapping[str, str]) -> None:
    """End one token of this client; an unknown or another client's token is left alone, without a word.

    Raises:
        OAuthRefused: the client is refused.
        InvalidRequest: there is no token in the request.
        StorageUnavailable: nothing has ended: success is never claimed of what was not stored.
    """
    client = authenticate_platform(form)
    token = required(form, "token")
    with services().database.write() as session:
        replayed = spend(session, client)
        if replayed is None:
            end_token(session, token, client.platform.id, services().clock())
    if replayed is not None:
        raise replayed
