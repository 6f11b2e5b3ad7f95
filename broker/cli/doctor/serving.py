"""Looks from outside: does a broker answer under the base URL, is it this one, does it say that it is ready."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from broker.cli.doctor.finding import Finding, doubtful, well, wrong
from broker.errors import BankInvalidAnswer, BankUnavailable
from broker.outbound import OutboundClient
from broker.settings import Settings

_TIMEOUT_S = 3.0
_OK = 200
_DEFAULT_PORT = {"http": 80, "https": 443}
_METADATA = "/.well-known/oauth-authorization-server"


def findings(settings: Settings) -> Iterator[Finding]:
    """Ask the base URL for the broker's own metadata, then whether it is ready."""
    own = urlsplit(settings.base_url)
    host = f"[{own.hostname}]" if ":" in (own.hostname or "") else own.hostname
    # Our own address may be private; it is the operator's word, not a bank's.
    client = OutboundClient(frozenset({f"{host}:{own.port or _DEFAULT_PORT[own.scheme]}"}), _TIMEOUT_S)
    try:
        answer = client.get(settings.base_url + _METADATA, {"Accept": "application/json"}, breaker="broker")
        told = answer.json() if answer.status == _OK else None
    except BankInvalidAnswer:
        told = None
    except BankUnavailable:
        yield _nobody(settings)
        return
    if not isinstance(told, dict) or told.get("issuer") != settings.base_url:
        found = f"Something else answers at {settings.base_url}, or a broker with another base URL."
        yield wrong("serving", found, "Let this address lead to this broker, and to nothing else.")
        return
    yield well("serving", f"This broker answers at {settings.base_url}.")
    yield _ready(settings, client)


def _nobody(settings: Settings) -> Finding:
    found = f"No broker answers at {settings.base_url} (as seen from this machine)."
    here = f"{settings.host}:{settings.port}"
    mend = f"Start `broker serve`, and let the address lead to {here}, with a certificate for its name."
    port = urlsplit(settings.base_url).port
    if not settings.is_secure and port != settings.port:
        mend = f"Start `broker serve` with BROKER_PORT={port}: without a proxy the base URL's port is the broker's own."
    return doubtful("serving", found, mend)


def _ready(settings: Settings, client: OutboundClient) -> Finding:
    try:
        is_ready = client.get(f"{settings.base_url}/readyz", {}, breaker="broker").status == _OK
    except BankUnavailable:
        is_ready = False
    if is_ready:
        return well("readiness", "It says that it is ready.")
    return wrong("readiness", "It says that it is not ready.", "Mend what else is found here, then start it anew.")
