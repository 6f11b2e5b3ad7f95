"""One request and its answer over one fresh connection to an address that was checked before."""

import functools
import http.client
import re
import ssl
from dataclasses import dataclass
from typing import Final, cast

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from broker.errors import BankInvalidAnswer, BankTimeout, BankUnavailable
from broker.outbound.answer import Answer
from broker.outbound.body import read_bounded
from broker.outbound.deadline import Deadline, DeadlineResponse
from broker.outbound.target import Target

TOKEN_FORM: Final = re.compile(r"[A-Za-z0-9._~+/=-]{1,4096}")
"""What can be sent as a bearer token (RFC 6750 §2.1), with a limit of our own."""
_CONNECT_TIMEOUT_S: Final = 3.0
_OK, _REDIRECTS, _CLIENT_ERRORS, _END = 200, 300, 400, 600
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9-]+")
_FRAMING: Final = {"content-length": "", "transfer-encoding": ""}
_HEADER_VALUE: Final = re.compile(r"[ -~]*")


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent, but for the headers that `exchange` adds itself."""

    method: str
    target: Target
    headers: dict[str, str]
    body: bytes | None = None


def connect(target: Target, addresses: list[str], deadline: Deadline, tls: ssl.SSLContext) -> HTTPConnection:
    """Connect to the first address that answers; for https the certificate must be the host name's.

    Raises: BankUnavailable or BankTimeout; in both cases nothing of the request has been sent.
    """
    failure: BankUnavailable = BankUnavailable()
    for address in addresses:
        connection = _unconnected(target, address, min(_CONNECT_TIMEOUT_S, deadline.remaining()), tls)
        try:
            connection.connect()
        except (urllib3.exceptions.ConnectTimeoutError, TimeoutError) as error:
            connection.close()
            # NewConnectionError is, for history's sake, a kind of ConnectTimeoutError.
            refused = isinstance(error, urllib3.exceptions.NewConnectionError)
            failure = BankUnavailable() if refused else BankTimeout()
        except (urllib3.exceptions.HTTPError, OSError):
            connection.close()
            failure = BankUnavailable()
        else:
            return connection
    raise failure


def exchange(connection: HTTPConnection, request: Request, deadline: Deadline, max_bytes: int) -> Answer:
    """Send the request and read the whole answer, then close the connection.

    Raises: BankTimeout after the deadline; BankInvalidAnswer for a redirect, too large or malformed answers;
        BankUnavailable when the connection breaks.
    """
    # A factory does as well as a class: http.client only ever calls it.
    connection.response_class = cast("type[http.client.HTTPResponse]", functools.partial(DeadlineResponse, deadline))
    try:
        connection.timeout = deadline.remaining()
        connection.request(
            request.method,
            request.target.path,
            body=request.body,
            headers=_sent_headers(request),
            preload_content=False,
            decode_content=False,
        )
        response = connection.getresponse()
        _refuse_other_than_final(response.status)
        body = read_bounded(response, max_bytes)
    except (urllib3.exceptions.ReadTimeoutError, TimeoutError) as error:
        raise BankTimeout from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise BankUnavailable from error
    except http.client.HTTPException as error:
        raise BankInvalidAnswer from error
    finally:
        connection.close()
    return Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, body)


def _unconnected(target: Target, address: str, timeout_s: float, tls: ssl.SSLContext) -> HTTPConnection:
    """Aim at the address itself; only TLS and the Host header get to know the name."""
    if target.scheme == "http":
        return HTTPConnection(address, target.port, timeout=timeout_s)
    return HTTPSConnection(
        address,
        target.port,
        timeout=timeout_s,
        ssl_context=tls,
        cert_reqs=ssl.CERT_REQUIRED,
        server_hostname=target.host,
    )


def _sent_headers(request: Request) -> dict[str, str]:
    """Add what the client says about itself; a value that could smuggle in another header is refused.

    Raises: BankInvalidAnswer, because tokens from the bank are the only values that come from outside.
    """
    for name, value in request.headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise BankInvalidAnswer("The bank gave a token that cannot be sent.")
    own = {
        "host": request.target.authority,
        "accept-encoding": "gzip",
        "connection": "close",
        "user-agent": "consent-broker",
    }
    return own | {name: value for name, value in request.headers.items() if name.lower() not in own | _FRAMING}


def _refuse_other_than_final(status: int) -> None:
    """Let 2xx, 4xx and 5xx pass: redirects are never followed, interim answers never asked for."""
    if not (_OK <= status < _REDIRECTS or _CLIENT_ERRORS <= status < _END):
        raise BankInvalidAnswer("The bank answered with a redirect or an unknown status.")
