"""What the operator does with platforms: add, list, show, remove, invite, and give the care of it away."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from joserfc.jwk import ECKey
from structlog.testing import capture_logs

from broker.app import create_app
from broker.cli.main import cli
from broker.cli.worker import end_platform
from broker.clock import system_clock
from broker.edge.services import Services
from broker.errors import BrokerError
from broker.events.outbox import lease
from broker.platforms.service import find
from broker.policy.vocabulary import GrantStatus
from tests.support.core import House
from tests.support.edge import services_of

BASE = "https://broker.example"
KEY = ECKey.generate_key("P-256", auto_kid=True)
WITH_PEOPLE = (
    *("--name", "Chatty", "--redirect-uri", "https://chatty.example/cb"),
    *("--purpose", "chat_banking", "--scope", "balances"),
)


@pytest.fixture
def services(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """The services of the broker whose environment the commands find."""
    built = services_of(house, BASE)
    settings = {"BASE_URL": BASE, "DATABASE_URL": house.store.url, "DATA_DIR": str(house.folder)}
    for name, value in settings.items():
        monkeypatch.setenv(f"BROKER_{name}", value)
    return built


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [KEY.as_dict(private=False)]}))
    return path


def broker(*arguments: str | Path) -> str:
    with capture_logs():  # `broker` itself keeps them off the terminal
        result = CliRunner().invoke(cli, ["platform", *map(str, arguments)])
    if isinstance(result.exception, BrokerError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return str(result.output)


def test_a_platform_is_added_listed_shown_and_removed(services: Services, house: House, jwks: Path) -> None:
    grant = house.approved()
    machine = ("--machine-scope", "grant_management_query", "--require-nonce")
    assert broker("add", "messenger", "--jwks", jwks, *WITH_PEOPLE, *machine) == "Registered Chatty as messenger.\n"
    assert broker("add", "bank-app", "--jwks", jwks, "--kind", "bank", "--bank", "harbor", "--name", "Harbor")
    listed = json.loads(broker("list", "--json"))
    assert {"bank-app", "messenger"} <= {one["id"] for one in listed}
    assert "chat_banking" in broker("list")
    shown = json.loads(broker("show", "messenger", "--json"))
    assert shown["key_ids"] == [KEY.kid]
    assert shown["options"] == {"requires_nonce": True, "machine_scopes": ["grant_management_query"]}
    assert "grant_management_query" in broker("show", "messenger")
    assert broker("remove", "messenger") == "Removed messenger. The worker ends its grants.\n"
    assert "messenger" not in {one["id"] for one in json.loads(broker("list", "--json"))}
    with services.database.write() as session:
        task = lease(session, system_clock())  # the command went by the real time
    assert task is not None
    end_platform(services, task)
    ended = house.grant(grant)
    assert (ended.status, ended.status_code) == (GrantStatus.REVOKED, "platform-removed")


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "nobody"),
        ("remove", "nobody"),
        ("rotate-registration", "nobody"),
        ("add", "chatty", *WITH_PEOPLE),
        ("add", "chatty", *WITH_PEOPLE, "--jwks", "no-such-file.json"),
        ("add", "chatty", *WITH_PEOPLE, "--jwks-uri", "https://localhost/jwks"),
        ("add", "chatty", "--name", "X", "--kind", "bank", "--bank", "nowhere", "--jwks-uri", "https://x.example/"),
        ("invite", "revoke", "nobody"),
        ("invite", "create", "Chatty", "--purpose", "advertising"),
        ("invite", "create", "Chatty", "--scope", "balances"),
        ("invite", "create", "a\x1bb"),
    ],
    ids=range(11),
)
@pytest.mark.usefixtures("services")
def test_what_cannot_be_done_is_one_clear_refusal(arguments: tuple[str, ...]) -> None:
    with pytest.raises(BrokerError):
        broker(*arguments)


def test_a_platform_is_invited_registers_and_is_taken_over(services: Services, jwks: Path) -> None:
    scopes = ("--scope", "balances", "--scope", "grant_management_query")
    invitation = broker("invite", "create", "Chatty Ltd", "--purpose", "chat_banking", *scopes).strip()
    http = create_app(services).test_client()
    body = {
        "client_name": "Chatty",
        "redirect_uris": ["https://chatty.example/cb"],
        "jwks_uri": "https://chatty.example/jwks",
        "scope": "balances",
        "purposes": ["chat_banking"],
    }
    headers = {"Authorization": f"Bearer {invitation}"}
    told = http.post("/oauth/register", json=body, headers=headers).json
    assert told is not None
    listed = json.loads(broker("invite", "list", "--json"))
    assert [(one["label"], one["uses"], one["most_uses"]) for one in listed] == [("Chatty Ltd", 1, 1)]
    assert "Chatty" in broker("invite", "list")
    path, old = f"/oauth/register/{told['client_id']}", told["registration_access_token"]
    url, new = broker("rotate-registration", told["client_id"]).split()
    assert url == BASE + path
    assert [http.get(path, headers={"Authorization": f"Bearer {token}"}).status_code for token in (old, new)] == [
        401,
        200,
    ]
    broker("add", told["client_id"], "--jwks", jwks, *WITH_PEOPLE)
    assert http.get(path, headers={"Authorization": f"Bearer {new}"}).status_code == 401
    broker("invite", "revoke", listed[0]["id"])
    assert json.loads(broker("invite", "list", "--json"))[0]["revoked"]


def test_a_name_from_outside_cannot_write_on_the_terminal(services: Services, jwks: Path) -> None:
    with services.database.read() as session:
        assert find(session, "chatty") is None
    with pytest.raises(BrokerError):
        broker("add", "chatty", "--jwks", jwks, "--name", "\x1b[2J")
