"""The configuration files of the outsiders: two banks and a chat platform."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from broker.sandbox.layout import CLIENT_AT_BANKS, MESSENGER, Layout, SandboxBank
from broker.sandbox.private_files import write_private
from broker.sandbox.secret_files import Login
from broker.storage.clock_file import clock_file

_DATA_SCOPES = {
    "fdx": ["fdx:customerpersonal:read", "fdx:accountdetailed:read", "fdx:transactions:read"],
    "obie": ["accounts"],
}
SIGN_IN_SCOPES = ["openid", "profile", "offline_access"]
_SLOW_SECONDS = 10


def sign_in_scope(bank: SandboxBank) -> str:
    """Return what the broker asks for when a customer signs in at this bank."""
    return " ".join([*SIGN_IN_SCOPES, *_DATA_SCOPES[bank.standard]])


@dataclass(frozen=True, slots=True)
class BrokerKeys:
    """What the broker's operator gives a bank: the keys of its assertions, and of the log about the bank."""

    jwks: dict[str, Any]
    log: tuple[str, ...]


def write_bank(layout: Layout, bank: SandboxBank, people: list[Login], keys: BrokerKeys) -> Path:
    """Write one bank's configuration, in which it asks for receipts, and return its path."""
    folder = layout.folder(bank.id)
    own = [login for login in people if login.bank == bank.id]
    config = {
        "id": bank.id,
        "name": bank.name,
        "standard": bank.standard,
        "base_url": bank.url,
        "port": bank.port,
        "database": str(folder / "bank.db"),
        "signing_key_file": str(folder / "signing-key.json"),
        "customers": [{"username": p.username, "password": p.password} for p in own if not (p.role or p.is_own)],
        "staff": [
            {"username": p.username, "password": p.password, "role": p.role, "name": p.name} for p in own if p.role
        ],
        "clients": [
            {
                "client_id": CLIENT_AT_BANKS,
                "client_name": "Consent Broker",
                "jwks": keys.jwks,
                "redirect_uris": [f"{layout.broker_url}/sign-in/{bank.id}/callback"],
                "scopes": sign_in_scope(bank).split(),
            }
        ],
        "slow_seconds": _SLOW_SECONDS,
        "broker": {
            "issuer": layout.broker_url,
            "client_id": bank.client_id,
            "key_file": str(layout.jwk_file(bank.client_id)),
        },
        "receipts": {"log_keys": list(keys.log), "clock_file": str(clock_file(layout.data_dir))},
    }
    path = folder / "config.json"
    write_private(path, config)
    return path


def write_messenger(layout: Layout) -> Path:
    """Write the chat platform's configuration and return its path."""
    folder = layout.folder("messenger")
    config = {
        "name": "Messenger",
        "base_url": layout.messenger_url,
        "port": layout.messenger_port,
        "database": str(folder / "messenger.db"),
        "state_key_file": str(folder / "state-key.json"),
        "issuer": layout.broker_url,
        "client_id": MESSENGER,
        "client_jwk_file": str(layout.jwk_file(MESSENGER)),
        "api_base": layout.broker_url,
        "dashboard_url": f"{layout.broker_url}/my-sharing",
        "banks": [{"id": bank.id, "name": bank.name, "origin": bank.url} for bank in layout.banks],
    }
    path = folder / "config.json"
    write_private(path, config)
    return path
