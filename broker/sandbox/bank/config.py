"""What one bank is told at start: a JSON file, checked field by field."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


class ConfigError(Exception):
    """The configuration file cannot be used; the message says why and holds no secret."""


class Standard(StrEnum):
    """The data API a bank speaks."""

    FDX = "fdx"
    OBIE = "obie"


@dataclass(frozen=True, slots=True)
class SignIn:
    """Somebody who may sign in; staff have a role and a name of their own, customers are found among the people."""

    username: str
    password: str
    role: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class RegisteredClient:
    """A program that may send customers here to sign in."""

    client_id: str
    client_name: str
    jwks: Mapping[str, Any]
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReceiptRules:
    """By which keys of the broker's log this bank checks receipts (C2SP verifier keys, of any year).

    `recovered` are the logs, e.g. `2026-2`, that the broker's operator says were opened in place of contradicted ones.
    `clock_file` is where the broker's sandbox keeps how far its clock was put forward; None: both live in real time.
    """

    log_keys: tuple[str, ...]
    clock_file: Path | None
    recovered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BrokerAccess:
    """As whom this bank speaks to the broker: its client there, the file with its private key (ES256)."""

    issuer: str
    client_id: str
    key_file: Path


@dataclass(frozen=True, slots=True)
class BankConfig:
    """One bank. `slow_seconds` is how long the fault "slow" holds an answer back.

    `receipts` turns the check of receipts on; without it the bank gives data for a token alone. Without `broker` it
    tells the broker nothing by itself.
    """

    bank_id: str
    name: str
    standard: Standard
    base_url: str
    port: int
    database: Path
    signing_key_file: Path
    customers: tuple[SignIn, ...]
    staff: tuple[SignIn, ...]
    clients: tuple[RegisteredClient, ...]
    slow_seconds: float
    receipts: ReceiptRules | None
    broker: BrokerAccess | None = None


def load_config(path: Path) -> BankConfig:
    """Read and check a bank's configuration file.

    Raises: ConfigError when the file is missing, not JSON, or a field is missing or of the wrong type.
    """
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path} is not JSON") from error
    if not isinstance(fields, dict):
        raise ConfigError(f"{path} must hold a JSON object")
    return _config(fields)


def _config(fields: dict[str, Any]) -> BankConfig:
    try:
        standard = Standard(_text(fields, "standard"))
    except ValueError as error:
        raise ConfigError("'standard' must be fdx or obie") from error
    return BankConfig(
        bank_id=_text(fields, "id"),
        name=_text(fields, "name"),
        standard=standard,
        base_url=_base_url(_text(fields, "base_url")),
        port=_port(fields),
        database=Path(_text(fields, "database")),
        signing_key_file=Path(_text(fields, "signing_key_file")),
        customers=tuple(SignIn(_text(row, "username"), _text(row, "password")) for row in _rows(fields, "customers")),
        staff=tuple(_staff(row) for row in _rows(fields, "staff")),
        clients=tuple(_client(row) for row in _rows(fields, "clients")),
        slow_seconds=_seconds(fields.get("slow_seconds", 10)),
        receipts=_receipts(fields.get("receipts")),
        broker=_broker(fields.get("broker")),
    )


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise ConfigError(f"'{name}' must be a text")
    return value


def _base_url(url: str) -> str:
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname == "localhost"
    if not (local or (parts.scheme == "https" and parts.hostname)) or parts.path or parts.query or parts.fragment:
        raise ConfigError("'base_url' must be https://host or http://localhost:port, without a path")
    return url


def _port(fields: Mapping[str, Any]) -> int:
    port = fields.get("port")
    if not isinstance(port, int) or isinstance(port, bool) or not 0 < port <= 65535:  # noqa: PLR2004 - the last port
        raise ConfigError("'port' must be a number from 1 to 65535")
    return port


def _receipts(value: object) -> ReceiptRules | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ConfigError("'receipts' must be an object")
    keys = _texts(value, "log_keys", "'receipts'")
    file = value.get("clock_file")
    if not keys or not (file is None or isinstance(file, str)):
        raise ConfigError("'receipts' needs 'log_keys', and 'clock_file' is a path")
    recovered = _texts(value, "recovered", "'receipts'") if "recovered" in value else ()
    return ReceiptRules(keys, None if file is None else Path(file), recovered)


def _broker(value: object) -> BrokerAccess | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ConfigError("'broker' must be an object")
    issuer = _base_url(_text(value, "issuer"))
    return BrokerAccess(issuer, _text(value, "client_id"), Path(_text(value, "key_file")))


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ConfigError("'slow_seconds' must be a number, not negative")
    return float(value)


def _rows(fields: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    rows = fields.get(name, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ConfigError(f"'{name}' must be a list of objects")
    return rows


def _staff(row: dict[str, Any]) -> SignIn:
    role = _text(row, "role")
    if role not in ("auditor", "admin"):
        raise ConfigError("a staff 'role' must be auditor or admin")
    return SignIn(_text(row, "username"), _text(row, "password"), role, _text(row, "name"))


def _client(row: dict[str, Any]) -> RegisteredClient:
    jwks = row.get("jwks")
    if not isinstance(jwks, dict) or not isinstance(jwks.get("keys"), list):
        raise ConfigError("a client's 'jwks' must be a JSON Web Key Set")
    return RegisteredClient(
        client_id=_text(row, "client_id"),
        client_name=_text(row, "client_name"),
        jwks=jwks,
        redirect_uris=_texts(row, "redirect_uris"),
        scopes=_texts(row, "scopes"),
    )


def _texts(row: Mapping[str, Any], name: str, of: str = "a client's") -> tuple[str, ...]:
    values = row.get(name)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ConfigError(f"{of} '{name}' must be a list of texts")
    return tuple(values)
