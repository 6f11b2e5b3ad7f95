"""Makes a requests session go through the outbound client, for libraries that insist on one."""

import io
from collections.abc import Mapping

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from broker.outbound.client import OutboundClient


class OutboundAdapter(BaseAdapter):
    """A transport that hands every request to an `OutboundClient`; timeouts, proxies and `verify` given to it are moot.

    Its refusals are the client's own `BankUnavailable`, `BankTimeout`, `BankInvalidAnswer`.
    """

    def __init__(self, client: OutboundClient, breaker: str) -> None:
        super().__init__()
        self._client = client
        self._breaker = breaker

    def send(  # noqa: PLR0917 - the signature of requests' adapters
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002 - requests calls with it; answers are always whole
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,  # noqa: ARG002 - the client has its own
        verify: bool | str = True,  # noqa: ARG002 - certificates are always checked
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,  # noqa: ARG002 - no client certificates
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002 - never a proxy
    ) -> requests.Response:
        """Send a prepared request through the client.

        Raises: BankUnavailable, BankTimeout, BankInvalidAnswer.
        """
        body = request.body.encode("utf-8") if isinstance(request.body, str) else request.body
        headers = {name: _text(value) for name, value in request.headers.items()}
        answer = self._client.send(request.method or "", request.url or "", headers, body, breaker=self._breaker)
        response = requests.Response()
        response.status_code = answer.status
        response.headers = CaseInsensitiveDict(answer.headers)
        response.url = request.url or ""
        response.request = request
        response.encoding = "utf-8"
        response.raw = io.BytesIO(answer.body)
        return response

    def close(self) -> None:
        """Do nothing: the client keeps no connections."""


def guard(session: requests.Session, client: OutboundClient, breaker: str) -> None:
    """Let this session reach the network through the client alone, and take nothing from the environment."""
    session.trust_env = False
    session.max_redirects = 0
    session.adapters.clear()
    # The empty prefix matches every URL: a scheme without an adapter of its own must not find another way out.
    session.mount("", OutboundAdapter(client, breaker))


class OutboundSession(requests.Session):
    """A requests session that is guarded from birth. `breaker` names the circuit breaker (the bank's id).

    Text that requests itself cannot read as a URL raises `requests.exceptions.RequestException` before any of this.
    """

    def __init__(self, client: OutboundClient, breaker: str) -> None:
        super().__init__()
        guard(self, client, breaker)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
