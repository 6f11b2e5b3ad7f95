"""Messenger's HTTP client: no redirects, no proxies, no netrc, and no answer larger than it can use."""

from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests_oauth2client import InvalidUseDPoPNonceResponse

LARGEST_BODY = 2 * 1024 * 1024
PATIENCE = (3.0, 20.0)
"""Seconds to wait for a connection, and between two pieces of an answer."""


class AnswerTooLargeError(requests.RequestException):
    """The other side sent more than Messenger is willing to read."""


class Outbound(requests.Session):
    """A session for the broker's endpoints."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        # One session serves everybody: a cookie set on one person's call must not ride on another's.
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send one request and read the whole answer, up to the limit.

        Raises:
            AnswerTooLargeError: the body goes beyond the limit.

        """
        kwargs |= {"allow_redirects": False, "stream": True, "timeout": kwargs.get("timeout") or PATIENCE}
        try:
            response = super().send(request, **kwargs)
        except InvalidUseDPoPNonceResponse as error:
            # The OAuth library takes every 401 with a DPoP challenge for a request for a nonce; most say that a
            # token or its grant has ended (RFC 9449 §7.1), and their body says which.
            response = error.response
        return _read_whole(response)


def _read_whole(response: requests.Response) -> requests.Response:
    pieces: list[bytes] = []
    size = 0
    for piece in response.iter_content(64 * 1024):
        size += len(piece)
        if size > LARGEST_BODY:
            response.close()
            raise AnswerTooLargeError("the answer is too large", request=response.request)
        pieces.append(piece)
    response._content = b"".join(pieces)  # noqa: SLF001 - requests has no public way to hand over a body already read
    return response
