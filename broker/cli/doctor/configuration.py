"""Looks at the settings: can they be used, is the base URL one for people, are cookies safe, what may be called."""

import ipaddress
import re
from collections.abc import Iterator, Mapping

from broker.cli.doctor.finding import Finding, doubtful, well, wrong
from broker.settings import Mode, Settings, unknown_variables

_PAIR = re.compile(r"(?:[a-z0-9.-]+|\[[0-9a-f:.]+\]):[1-9][0-9]{0,4}")
_HIGHEST_PORT = 65_535
_LOCAL = (".localhost", ".local", ".internal", ".lan", ".home.arpa")
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def findings(settings: Settings, unusable: Mapping[str, str]) -> Iterator[Finding]:
    """Look at every setting; `unusable` names those that were replaced by their default."""
    for variable, problem in unusable.items():
        yield wrong("configuration", problem, f"Set {variable} as docs/reference/settings.md says.")
    for variable in unknown_variables():
        yield doubtful("configuration", f"{variable} is no setting.", f"Correct the name of {variable}, or remove it.")
    if not unusable:
        yield well("configuration", f"The settings can be used; the mode is {settings.mode.value}.")
    if "BROKER_BASE_URL" not in unusable:
        yield _base_url(settings)
        yield _cookies(settings)
    yield _listening(settings)
    yield from _outbound(settings)


def _base_url(settings: Settings) -> Finding:
    host = settings.base_host
    if settings.mode is Mode.PRODUCTION and _is_local(host):
        return doubtful(
            "base URL",
            f"{settings.base_url} is an address that people elsewhere cannot reach.",
            "Set BROKER_BASE_URL to the https address that people and platforms use.",
        )
    return well("base URL", f"{settings.base_url} is the issuer and the root of all links.")


def _is_local(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith(_LOCAL)


def _cookies(settings: Settings) -> Finding:
    if settings.is_secure:
        return well("cookies", "The session cookie is Secure and pinned to this host (__Host-).")
    return doubtful(
        "cookies",
        "Over http the session cookie is neither Secure nor pinned to the host.",
        "Use an https base URL for anything but a sandbox.",
    )


def _listening(settings: Settings) -> Finding:
    if settings.host in _LOOPBACK:
        return well("listening", f"The broker listens on {settings.host}, port {settings.port}.")
    return doubtful(
        "listening",
        f"The broker listens on {settings.host}, where more than the proxy on this machine may reach it without TLS.",
        "Set BROKER_HOST to 127.0.0.1, or make sure that nothing but the proxy reaches it.",
    )


def _outbound(settings: Settings) -> Iterator[Finding]:
    unreadable = sorted(pair for pair in settings.outbound_allow if not _is_pair(pair))
    for pair in unreadable:
        yield wrong(
            "outbound addresses",
            f"{pair!r} in BROKER_OUTBOUND_ALLOW is no host:port, so it allows nothing.",
            "Write it as host:port, in lower case, without a scheme or path.",
        )
    usable = sorted(settings.outbound_allow - set(unreadable))
    if usable and settings.mode is Mode.PRODUCTION:
        yield doubtful(
            "outbound addresses",
            f"The broker may call {', '.join(usable)} even if that is private or without TLS.",
            "Keep in BROKER_OUTBOUND_ALLOW only banks inside your own network.",
        )
    elif not unreadable:
        yield well("outbound addresses", "No private address may be called but those of the sandbox.")


def _is_pair(pair: str) -> bool:
    return _PAIR.fullmatch(pair) is not None and int(pair.rpartition(":")[2]) <= _HIGHEST_PORT
