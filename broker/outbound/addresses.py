"""The addresses behind a name: resolved once, checked all, and what was checked is what is dialled."""

import socket
import threading
from collections.abc import Callable
from typing import TypeAlias

from broker.errors import BankTimeout, BankUnavailable
from broker.outbound.breaker import NotCounted
from broker.outbound.deadline import Deadline
from broker.outbound.public import is_public
from broker.outbound.target import Target, refused

Resolve: TypeAlias = Callable[[str, int], list[str]]
"""Gives the addresses of a host name, as text; raises OSError when there are none."""


def system_resolve(host: str, port: int) -> list[str]:
    """Ask the operating system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def checked_addresses(target: Target, resolve: Resolve, deadline: Deadline) -> list[str]:
    """Give every address to dial for the target; one forbidden address among them refuses all.

    Raises: NotCounted with the refusal when it leads to a private place; BankUnavailable for an unknown name;
        BankTimeout.
    """
    found = [target.host] if target.is_literal else _resolved(target, resolve, deadline)
    if not target.listed and not all(is_public(address) for address in found):
        raise NotCounted(refused())
    return found


def _resolved(target: Target, resolve: Resolve, deadline: Deadline) -> list[str]:
    """Resolve in a thread of its own, because the system's resolver knows no deadline."""
    found: list[str] = []

    def look_up() -> None:
        try:
            found.extend(resolve(target.host, target.port))
        except (OSError, UnicodeError):
            found.clear()

    thread = threading.Thread(target=look_up, name="outbound-resolve", daemon=True)
    thread.start()
    thread.join(deadline.remaining())
    if thread.is_alive():
        raise BankTimeout
    if not found:
        raise BankUnavailable
    return found
