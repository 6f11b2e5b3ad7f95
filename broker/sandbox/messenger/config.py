"""Messenger's configuration: one JSON file, checked whole before anything starts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
ANY_BANK = "any"


class ConfigError(Exception):
    """What is wrong with the configuration, in one line."""


@dataclass(frozen=True, slots=True)
class Bank:
    """A bank that people can pick, by the id the broker gave it, and where it signs people in if that is known."""

    id: str
    name: str
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """Everything Messenger needs to know before it starts."""

    name: str
    base_url: str
    port: int
    database: Path
    state_key_file: Path
    issuer: str
    client_id: str
    client_jwk: Mapping[str, Any] = field(repr=False)
    api_base: str
    dashboard_url: str
    banks: tuple[Bank, ...]

    @property
    def redirect_uri(self) -> str:
        """Say where the broker sends people back to."""
        return f"{self.base_url}/callback"

    @property
    def onward_origins(self) -> tuple[str, ...]:
        """List the origins a browser may be sent on to when it connects a bank.

        The broker's, and those of the banks since the broker may send it on at once. On one machine, banks that name
        no origin may have any port.
        """
        known = {bank.origin for bank in self.banks if bank.origin is not None}
        parts = urlsplit(self.issuer)
        if parts.hostname in LOOPBACK and any(bank.origin is None for bank in self.banks):
            known.add(f"{parts.scheme}://{parts.hostname}:*")
        return (origin_of(self.issuer), *sorted(known))

    def bank_name(self, bank_id: str | None) -> str:
        """Name a bank in words a person knows."""
        return next((bank.name for bank in self.banks if bank.id == bank_id), "your bank")


def origin_of(url: str) -> str:
    """Cut a URL down to scheme, host and port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def is_safe_url(url: str) -> bool:
    """Tell whether a URL is https, or http on this very machine, and carries no credentials."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return False
    if not host or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)


def load(path: Path) -> Config:
    """Read and check the configuration file.

    Raises:
        ConfigError: a file cannot be read, a member is missing or has a wrong value.

    """
    raw = _json_object(path)
    return Config(
        name=_text(raw, "name"),
        base_url=_url(raw, "base_url"),
        port=_port(raw),
        database=Path(_text(raw, "database")),
        state_key_file=Path(_text(raw, "state_key_file")),
        issuer=_url(raw, "issuer"),
        client_id=_text(raw, "client_id"),
        client_jwk=_private_jwk(Path(_text(raw, "client_jwk_file"))),
        api_base=_url(raw, "api_base"),
        dashboard_url=_url(raw, "dashboard_url"),
        banks=_banks(raw),
    )


def _json_object(path: Path) -> dict[str, Any]:
    try:
        raw = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read {path} as JSON ({type(error).__name__})") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"{path} must hold one JSON object")
    return raw


def _text(raw: Mapping[str, Any], name: str) -> str:
    value = raw.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(f"'{name}' must be a text that is not empty")
    return value


def _url(raw: Mapping[str, Any], name: str) -> str:
    value = _text(raw, name).rstrip("/")
    if not is_safe_url(value):
        raise ConfigError(f"'{name}' must be an https URL, or http on a loopback host")
    return value


def _port(raw: Mapping[str, Any]) -> int:
    value = raw.get("port")
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 65535:  # noqa: PLR2004 - the last TCP port
        raise ConfigError("'port' must be a number from 1 to 65535")
    return value


def _private_jwk(path: Path) -> dict[str, Any]:
    jwk = _json_object(path)
    if jwk.get("kty") != "EC" or jwk.get("alg") != "ES256" or not all(jwk.get(name) for name in ("kid", "d", "x", "y")):
        raise ConfigError(f"{path} must hold a private EC key with alg ES256 and a kid")
    return jwk


def _banks(raw: Mapping[str, Any]) -> tuple[Bank, ...]:
    entries = raw.get("banks")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigError("'banks' must be a list of objects with id and name")
    banks = tuple(
        Bank(_text(entry, "id"), _text(entry, "name"), origin_of(_url(entry, "origin")) if "origin" in entry else None)
        for entry in entries
    )
    if any(bank.id == ANY_BANK for bank in banks) or len({bank.id for bank in banks}) != len(banks):
        raise ConfigError(f"ids in 'banks' must differ, and none may be '{ANY_BANK}'")
    return banks
