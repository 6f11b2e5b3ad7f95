"""The client itself: address checks, circuit breaker, deadline and cautious retries around each exchange.

Trusted: whoever can edit the operator's allow list decides which private addresses the broker may reach.
"""

import math
import random
import ssl
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Final
from urllib.parse import urlencode

from broker.errors import BankTimeout, BankUnavailable
from broker.outbound.addresses import Resolve, checked_addresses, system_resolve
from broker.outbound.answer import Answer
from broker.outbound.breaker import Breakers, Slots
from broker.outbound.deadline import Deadline
from broker.outbound.exchange import Request, connect, exchange
from broker.outbound.target import parse
from broker.outbound.telling import told
from broker.storage.conflicts import note_lasting

DEFAULT_MAX_BYTES: Final = 5 * 1024 * 1024
DEFAULT_MOST_IN_FLIGHT: Final = 6
_ATTEMPTS: Final = 3
_FIRST_PAUSE_S: Final = 0.1
_WORTH_RETRYING: Final = frozenset({502, 503, 504})
_SERVER_ERRORS: Final = 500


class OutboundClient:
    """Calls other machines. Never follows redirects, never uses a proxy, keeps no cookies and no connections.

    `allowed` holds the `host:port` pairs that may be private addresses or plain http; `timeout_s` is the total time
    of a call in seconds; `max_bytes` limits an answer's unpacked body; `most_in_flight` how many calls may be under way
    to all banks together, `most_to_one` to one of them. Safe to share between threads.
    """

    def __init__(
        self,
        allowed: frozenset[str],
        timeout_s: float,
        max_bytes: int = DEFAULT_MAX_BYTES,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        most_in_flight: int = DEFAULT_MOST_IN_FLIGHT,
        most_to_one: int | None = None,
        resolve: Resolve = system_resolve,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allowed = frozenset(pair.lower() for pair in allowed)
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._monotonic = monotonic
        self._resolve = resolve
        self._sleep = sleep
        self._jitter = jitter
        self._tls = tls or _system_tls()
        self._breakers = Breakers(monotonic, Slots(most_to_one or most_in_flight, most_in_flight))

    def deadline(self, seconds: float) -> Deadline:
        """Give the instant at which several calls together have to end; no step of the machine's clock moves it."""
        return Deadline(self._monotonic() + seconds, self._monotonic)

    def get(self, url: str, headers: dict[str, str], *, breaker: str, deadline_s: float | None = None) -> Answer:
        """Fetch a URL; connection failures, 502, 503 and 504 are tried again within the deadline.

        `breaker` names the circuit breaker (the bank's id); `deadline_s` shortens the client's total time.

        Raises: BankUnavailable (also for every 5xx and refused addresses), BankTimeout, BankInvalidAnswer.
        """
        return self.send("GET", url, headers, None, breaker=breaker, deadline_s=deadline_s)

    def post_form(
        self,
        url: str,
        fields: dict[str, str],
        headers: dict[str, str],
        *,
        breaker: str,
        deadline_s: float | None = None,
    ) -> Answer:
        """Post form fields, once: a post is never tried again.

        Raises: as `get`.
        """
        typed = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
        return self.send("POST", url, typed, urlencode(fields).encode("ascii"), breaker=breaker, deadline_s=deadline_s)

    def send(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        body: bytes | None,
        *,
        breaker: str,
        deadline_s: float | None = None,
    ) -> Answer:
        """Send any request; only a GET is ever tried again.

        Raises: as `get`.
        """
        note_lasting()
        with told(breaker, method, self._monotonic) as outcome:
            # Before the breaker: an address that we refuse, or time that we have used up, is no failure of the bank.
            request = Request(method, parse(url, self._allowed), headers, body)
            seconds = self._timeout_s if deadline_s is None else min(deadline_s, self._timeout_s)
            if seconds <= 0:
                raise BankTimeout
            deadline = self.deadline(seconds)
            with self._breakers.named(breaker).guarding():
                answer = self._send(request, deadline)
                outcome.status = answer.status
                if answer.status >= _SERVER_ERRORS:
                    raise BankUnavailable
        return answer

    def _send(self, request: Request, deadline: Deadline) -> Answer:
        # Resolved once for all attempts, so that no later answer of the name server can slip past the check.
        addresses = checked_addresses(request.target, self._resolve, deadline)
        pauses = self._pauses(request.method)
        while True:
            pause = next(pauses)
            try:
                answer = self._attempt(request, addresses, deadline)
            except _NotSentError as error:
                if not deadline.allows(pause):
                    raise error.cause from error
            else:
                if answer.status not in _WORTH_RETRYING or not deadline.allows(pause):
                    return answer
            self._sleep(pause)

    def _attempt(self, request: Request, addresses: list[str], deadline: Deadline) -> Answer:
        try:
            connection = connect(request.target, addresses, deadline, self._tls)
        except BankUnavailable as error:
            raise _NotSentError(error) from error
        return exchange(connection, request, deadline, self._max_bytes)

    def _pauses(self, method: str) -> Iterator[float]:
        """Give the seconds to wait after each attempt: doubling, with jitter, and for ever after the last."""
        if method == "GET":
            for earlier in range(_ATTEMPTS - 1):
                yield _FIRST_PAUSE_S * 2**earlier * (0.5 + self._jitter())
        yield math.inf


class _NotSentError(Exception):
    """Nothing of the request has left, so it may safely be tried again."""

    def __init__(self, cause: BankUnavailable) -> None:
        super().__init__()
        self.cause = cause


@cache
def _system_tls() -> ssl.SSLContext:
    """Trust whom the machine trusts; reading all of its certificates takes long, and forked workers share them."""
    return ssl.create_default_context()
