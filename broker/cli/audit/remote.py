"""Reads a log from where it is served, with the credential of a bank's auditor."""

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

import click

from broker.audit.verification.faults import Unreadable
from broker.audit.verification.heads import Trust
from broker.audit.verification.reading import LARGEST_FILE, Missing, Read
from broker.errors import BankTimeout, BankUnavailable
from broker.outbound import TOKEN_FORM, OutboundClient

_TIMEOUT_S = 60.0
_LARGEST_SECRET = 4_096
_FOUND, _REFUSED, _ABSENT = 200, 401, 404
_PORTS = {"https": 443, "http": 80}

credential_option = click.option(
    "--credential-file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="File with the audit credential, needed for entries.",
)


def log_at(url: str, credential_file: Path | None) -> Read:
    """Return the reader of a served log. Redirects are never followed; http only on this machine.

    Raises:
        UsageError: address or credential cannot be used.
    """
    allowed = _authority(url)
    headers = _headers(credential_file)
    client = OutboundClient(frozenset({allowed}), _TIMEOUT_S, LARGEST_FILE)

    shown: set[bool] = set()

    def read(path: str) -> bytes:
        is_of_entries = path.startswith("tile/entries/")
        try:
            answer = client.get(f"{url.rstrip('/')}/{path}", headers, breaker="audit")
        except BankTimeout as error:
            raise Unreadable("The log does not answer in time.") from error
        except BankUnavailable as error:
            raise Unreadable("The log cannot be reached, or its answer cannot be used.") from error
        if answer.status == _ABSENT and is_of_entries and not shown:
            # Another bank's credential is told nothing else; that no entry was seen at all condemns nobody.
            raise Unreadable(
                "The log shows no entry to this credential: it may be another bank's, or entries are gone."
            )
        if answer.status == _ABSENT:
            raise Missing(path)
        if answer.status == _REFUSED:
            raise Unreadable("The log shows its entries only with a living audit credential: --credential-file.")
        if answer.status != _FOUND:
            raise Unreadable(f"The log answers {answer.status} for {path}.")
        if is_of_entries:
            shown.add(True)
        return answer.body

    return read


def origin_of(url: str, trust: Trust) -> str:
    """Return the name that the log at an address must have: that of the keys, when they are those of one log.

    Of the keys of several logs it is the name with the address's path; else the address without scheme and port.
    """
    names = {key.name for key in trust.keys}
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    fitting = names if len(names) == 1 else {name for name in names if path and name.endswith(path)}
    return next(iter(fitting)) if len(fitting) == 1 else f"{parts.hostname}{path}"


def _authority(url: str) -> str:
    """Return host and port: the address that the auditor names may be a private one."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise click.UsageError("The log's address cannot be read.") from error
    if parts.scheme not in _PORTS or not host or parts.query or parts.fragment or parts.username is not None:
        raise click.UsageError("A log's address is https://<host>/audit/<bank>/<year>.")
    if parts.scheme == "http" and not _is_here(host):
        raise click.UsageError("A credential is never sent over plain http to another machine.")
    bracketed = f"[{host}]" if ":" in host else host
    return f"{bracketed}:{port or _PORTS[parts.scheme]}"


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _headers(credential_file: Path | None) -> dict[str, str]:
    if credential_file is None:
        return {}
    try:
        with credential_file.open("rb") as file:
            secret = file.read(_LARGEST_SECRET).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"The credential file {credential_file} cannot be read.") from error
    if not TOKEN_FORM.fullmatch(secret):
        raise click.UsageError(f"The credential file {credential_file} does not hold one credential.")
    return {"Authorization": f"Bearer {secret}"}
