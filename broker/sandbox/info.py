"""All that an outside program needs to know of a running sandbox, as one JSON document."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from broker.clock import system_clock
from broker.errors import ConfigurationInvalid
from broker.sandbox.layout import RESOURCE_SERVER, Layout, SandboxBank
from broker.sandbox.private_files import write_private
from broker.sandbox.processes import Processes, family, is_alive
from broker.sandbox.secret_files import Login
from broker.settings import Settings

if TYPE_CHECKING:  # whoever reads the document needs no database
    from broker.platforms.service import Platform


def write_info(
    settings: Settings, layout: Layout, people: list[Login], clients: "list[Platform]", processes: Processes
) -> dict[str, Any]:
    """Write the document and return it. `processes` holds root ids here; `read_info` adds their children."""
    url = layout.broker_url
    year = system_clock().year
    document = {
        "issuer": url,
        "api": {
            "accounts": f"{url}/v1/accounts",
            "account": f"{url}/v1/accounts/{{accountId}}",
            "account_balances": f"{url}/v1/accounts/balances",
            "balance": f"{url}/v1/accounts/{{accountId}}/balance",
            "transactions": f"{url}/v1/accounts/{{accountId}}/transactions",
            "card_locations": f"{url}/v1/card-locations",
        },
        "platforms": [_platform(layout, one) for one in clients if one.id != RESOURCE_SERVER],
        "resource_server": {"client_id": RESOURCE_SERVER, "jwk_file": str(layout.jwk_file(RESOURCE_SERVER))},
        "users": _users(people),
        "banks": [_bank(settings, url, bank, people, year) for bank in layout.banks],
        "registration_token": None,
        "messenger_url": layout.messenger_url,
        "pages": {
            "home": f"{url}/",
            "my_sharing": f"{url}/my-sharing",
            "history": f"{url}/history",
            "bank_console": f"{url}/console",
        },
        "database_url": settings.database_url,
        "data_dir": str(layout.data_dir),
        "processes": {name: [process.pid] for name, process in processes.running.items()},
    }
    write_private(layout.info_file, document)
    return document


def read_info(path: Path) -> dict[str, Any]:
    """Read the document of a running world, with the process ids as they are now.

    Raises:
        ConfigurationInvalid: no sandbox runs on this data folder.
    """
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationInvalid("No sandbox runs here; start one with `make run`.") from error
    roots = {name: pids[0] for name, pids in document["processes"].items()}
    if not all(is_alive(pid) for pid in roots.values()):
        raise ConfigurationInvalid("The sandbox has stopped; start it with `make run`.")
    document["processes"] = {name: family(pid) for name, pid in roots.items()}
    return document


def refresh_users(layout: Layout, people: list[Login]) -> None:
    """Tell of people who were loaded while the world runs; without a world there is nothing to refresh."""
    try:
        document = json.loads(layout.info_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    write_private(layout.info_file, document | {"users": _users(people)})


def _users(people: list[Login]) -> list[dict[str, str]]:
    return [
        {"username": p.username, "password": p.password, "bank": p.bank, "name": p.name, "about": p.about}
        for p in people
        if p.role is None
    ]


def _platform(layout: Layout, one: "Platform") -> dict[str, Any]:
    return {
        "client_id": one.id,
        "name": one.name,
        "jwk_file": str(layout.jwk_file(one.id)),
        "redirect_uris": list(one.redirect_uris),
        "scopes": list(one.scopes),
        "purposes": list(one.purposes),
        "authorization_details_types": ["bank_data"],
        "default_purpose": one.default_purpose,
    }


def _bank(settings: Settings, url: str, bank: SandboxBank, people: list[Login], year: int) -> dict[str, Any]:
    staff = {p.role: {"username": p.username, "password": p.password} for p in people if p.bank == bank.id and p.role}
    return {
        "id": bank.id,
        "name": bank.name,
        "issuer": bank.url,
        "standard": bank.standard,
        # The log is written; its public read API and key come with the transparency log.
        "audit": {"origin": f"{settings.base_host}/audit/{bank.id}/{year}", "url": None, "vkey": None},
        "client": None,
        "auditor": staff["auditor"],
        "admin": staff["admin"],
        "console_url": f"{url}/console/{bank.id}",
        "served_url": f"{bank.url}/sandbox/served",
        "faults_url": f"{bank.url}/sandbox/faults",
    }
