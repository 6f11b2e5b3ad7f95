"""What the server itself answers, before or instead of the application: problem+json, and nothing of what was sent."""

import json
import uuid
from dataclasses import dataclass

from gunicorn.http.errors import ExpectationFailed, LimitRequestHeaders, LimitRequestLine


class Overloaded(Exception):
    """More requests wait than this process may keep waiting: nothing has been done for this one."""


_BAD_REQUEST = (400, "Bad Request", "invalid-request", "The request is not well formed.")
_TABLE: dict[type[Exception], tuple[int, str, str, str]] = {
    LimitRequestLine: (414, "URI Too Long", "request-line-too-long", "The address is too long."),
    LimitRequestHeaders: (431, "Request Header Fields Too Large", "headers-too-large", "The header is too large."),
    ExpectationFailed: (417, "Expectation Failed", "invalid-request", "The expectation cannot be met."),
    Overloaded: (503, "Service Unavailable", "broker-busy", "The broker has too much to do. Try again in a moment."),
    TimeoutError: (408, "Request Timeout", "request-timeout", "The request did not arrive in time."),
}
_LATER_S = 5
_FAILED = (500, "Internal Server Error", "internal-error", "Something went wrong.")


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is told, and what the log keeps of it."""

    status: int
    code: str
    interaction_id: str
    answer: bytes


def refusal(error: Exception | None) -> Refusal:
    """Answer what cannot be read; without an error, an answer that failed."""
    status, title, code, detail = _FAILED if error is None else _TABLE.get(type(error), _BAD_REQUEST)
    interaction_id = str(uuid.uuid4())
    problem = {"title": title, "status": status, "code": code, "detail": detail}
    body = json.dumps(problem | {"instance": f"urn:uuid:{interaction_id}"})
    later = f"Retry-After: {_LATER_S}\r\n" if isinstance(error, Overloaded) else ""
    head = (
        f"HTTP/1.1 {status} {title}\r\nContent-Type: application/problem+json\r\nContent-Length: {len(body)}\r\n"
        f"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nx-fapi-interaction-id: {interaction_id}\r\n"
        f"{later}Connection: close\r\n\r\n"
    )
    return Refusal(status, code, interaction_id, (head + body).encode())
