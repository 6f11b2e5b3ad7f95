"""Which URLs may be called at all, decided on the text alone, before any name is resolved."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from broker.errors import BankUnavailable
from broker.outbound.public import is_public

_DEFAULT_PORT: Final = {"http": 80, "https": 443}
_MAX_URL: Final = 4096
_VISIBLE_ASCII: Final = re.compile(r"[!-~]+")
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_MAX_NAME: Final = 253
# Names that never lead to a public bank (RFC 6761, RFC 6762, RFC 8375, ICANN's reservation of .internal).
_LOCAL_SUFFIXES: Final = (".localhost", ".local", ".internal", ".home.arpa", ".lan", ".intranet", ".onion")


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that passed. `host` is a lower-case name or a bare IP literal; `listed` means the operator named it."""

    scheme: str
    host: str
    port: int
    path: str
    listed: bool

    @property
    def authority(self) -> str:
        """Give the value of the Host header (RFC 9110 §7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORT[self.scheme] else f"{host}:{self.port}"

    @property
    def is_literal(self) -> bool:
        """Tell whether the host is an IP address, so that nothing needs resolving."""
        return _is_literal(self.host)


def parse(url: str, allowed: frozenset[str]) -> Target:
    """Read a URL strictly; `allowed` holds the `host:port` pairs that may be private or plain http.

    Raises: BankUnavailable for every form that is not plain https to a public-looking host, or http to a listed one.
    """
    if len(url) > _MAX_URL or not _VISIBLE_ASCII.fullmatch(url) or "\\" in url or "#" in url:
        raise refused()
    try:
        parts = urlsplit(url)
        host, port = _host(parts), _port(parts)
    except ValueError as error:
        raise refused() from error
    bracketed = f"[{host}]" if ":" in host else host
    listed = f"{bracketed}:{port}" in allowed
    if not listed and (parts.scheme != "https" or _looks_local(host)):
        raise refused()
    query = f"?{parts.query}" if parts.query else ""
    return Target(parts.scheme, host, port, (parts.path or "/") + query, listed)


def refused() -> BankUnavailable:
    """Return the one answer to every address that is not called."""
    return BankUnavailable("The broker does not call this address.")


def is_at(url: Any, *homes: str) -> bool:
    """Tell whether a value out of an answer is a URL of the same scheme, host and port as one of the home URLs."""
    try:
        return isinstance(url, str) and _origin(url) in map(_origin, homes)
    except ValueError:
        return False


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _host(parts: SplitResult) -> str:
    """Give the host in its one canonical form; other spellings of an address are errors, never repaired."""
    if parts.scheme not in _DEFAULT_PORT or "@" in parts.netloc or parts.netloc.endswith(":"):
        raise ValueError("authority")
    host = parts.hostname or ""
    if parts.netloc.startswith("["):
        if "%" in host:
            raise ValueError("zone")
        return ipaddress.IPv6Address(host).compressed
    if len(host) > _MAX_NAME or not _NAME.fullmatch(host):
        raise ValueError("name")
    last = host.rpartition(".")[2]
    if last.isdigit() or last.startswith("0x"):
        # 2130706433, 0177.0.0.1, 0x7f.1 and 127.1 mean 127.0.0.1 to a resolver; only four plain decimals are taken.
        return str(ipaddress.IPv4Address(host))
    return host


def _port(parts: SplitResult) -> int:
    port = parts.port if parts.port is not None else _DEFAULT_PORT[parts.scheme]
    if port == 0:
        raise ValueError("port")
    return port


def _looks_local(host: str) -> bool:
    if _is_literal(host):
        return not is_public(host)
    return "." not in host or host.endswith(_LOCAL_SUFFIXES)


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
