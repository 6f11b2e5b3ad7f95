"""All that an outside program needs to know of a sandbox that starts, as one JSON document."""

from typing import Any

from broker.platforms.service import Platform, PlatformKind
from broker.sandbox.info import named_alone, users_told
from broker.sandbox.layout import RESOURCE_SERVER, Layout, SandboxBank
from broker.sandbox.logs import current_logs
from broker.sandbox.private_files import write_private
from broker.sandbox.processes import Processes
from broker.sandbox.secret_files import Login
from broker.sandbox.witnesses import SandboxWitness
from broker.settings import Settings


def write_info(
    settings: Settings,
    layout: Layout,
    people: list[Login],
    clients: list[Platform],
    processes: Processes,
    *,
    watchers: list[SandboxWitness],
    invitation: str,
) -> dict[str, Any]:
    """Write the document and return it. `processes` holds root ids here; `read_info` adds their children."""
    url = layout.broker_url
    logs = current_logs(settings)
    users = users_told(people)
    document = {
        "issuer": url,
        "api": {
            "accounts": f"{url}/v1/accounts",
            "account": f"{url}/v1/accounts/{{accountId}}",
            "account_balances": f"{url}/v1/accounts/balances",
            "balance": f"{url}/v1/accounts/{{accountId}}/balance",
            "transactions": f"{url}/v1/accounts/{{accountId}}/transactions",
            "card_locations": f"{url}/v1/card-locations",
            "balance_answer": f"{url}/v1/answers/balance",
            "location_answer": f"{url}/v1/answers/location",
            "fraud_alert": f"{url}/v1/fraud-alerts/{{alertId}}",
        },
        "receipt_url": f"{url}/v1/receipts/{{bank}}/{{year}}/{{number}}",
        "platforms": [_platform(layout, one) for one in clients if one.kind is PlatformKind.PLATFORM],
        "resource_server": {"client_id": RESOURCE_SERVER, "jwk_file": str(layout.jwk_file(RESOURCE_SERVER))},
        "users": users,
        "banks": [_bank(layout, logs[bank.id], bank, people) for bank in layout.banks],
        "witnesses": [{"bank": one.bank.id, "url": one.url, "vkey": one.vkey} for one in watchers],
        "registration_token": invitation,
        "messenger_url": layout.messenger_url,
        "mailbox_url": layout.mailbox_url,
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
    write_private(layout.people_file, named_alone(users))
    return document


def _platform(layout: Layout, one: Platform) -> dict[str, Any]:
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


def _bank(layout: Layout, log: dict[str, Any], bank: SandboxBank, people: list[Login]) -> dict[str, Any]:
    staff = {p.role: {"username": p.username, "password": p.password} for p in people if p.bank == bank.id and p.role}
    return {
        "id": bank.id,
        "name": bank.name,
        "issuer": bank.url,
        "standard": bank.standard,
        "audit": log,
        "client": {"client_id": bank.client_id, "jwk_file": str(layout.jwk_file(bank.client_id))},
        "auditor": staff["auditor"],
        "admin": staff["admin"],
        "console_url": f"{layout.broker_url}/console/{bank.id}",
        "served_url": f"{bank.url}/sandbox/served",
        "served_under_receipts_url": f"{bank.url}/sandbox/served.jsonl",
        "faults_url": f"{bank.url}/sandbox/faults",
        "fraud_alerts_url": f"{bank.url}/sandbox/fraud-alerts",
    }
