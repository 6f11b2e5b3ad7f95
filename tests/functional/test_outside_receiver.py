"""An outside Shared Signals receiver: a plain program that knows the published addresses and keys, and nothing else."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.support.actors import Person
from tests.support.outsider import Outsider
from tests.support.platform_client import CALLBACK, PlatformClient
from tests.support.world import World

pytestmark = pytest.mark.timeout(180)
HEADER = "Bearer outsider-canary"
CLIENT = "outsider"
OTHER = ECKey.generate_key("P-256", {"alg": "ES256"}, auto_kid=True)


@pytest.fixture(scope="module")
def client(world: World, tmp_path_factory: pytest.TempPathFactory) -> PlatformClient:
    key = ECKey.generate_key("P-256", {"alg": "ES256"}, auto_kid=True)
    file = tmp_path_factory.mktemp("outsider") / "jwks.json"
    file.write_text(json.dumps({"keys": [key.as_dict(private=False)]}), encoding="utf-8")
    purpose = ("--purpose", "chat_banking", "--default-purpose", "chat_banking")
    scopes = [part for name in ("balances", "transactions") for part in ("--scope", name)]
    own = [part for name in ("ssf.manage", "ssf.read") for part in ("--machine-scope", name)]
    address = ("--redirect-uri", CALLBACK, "--jwks", str(file))
    operates(world, "platform", "add", CLIENT, "--name", "Outsider", *address, *purpose, *scopes, *own)
    return PlatformClient(world.info["issuer"], CLIENT, key.as_dict(private=True))


@pytest.fixture(scope="module")
def outsider(world: World) -> Iterator[Outsider]:
    receiver = Outsider(world.info["issuer"], CLIENT, world.outsider_port, HEADER)
    receiver.start()
    yield receiver
    receiver.stop()


@pytest.fixture(scope="module")
def stream(client: PlatformClient, outsider: Outsider) -> dict[str, Any]:
    delivery = {
        "method": "urn:ietf:rfc:8935",
        "endpoint_url": f"{outsider.url}/events",
        "authorization_header": HEADER,
    }
    found = manages(client, "streams", {"delivery": delivery})
    assert found.status_code == 201, found.text
    told: dict[str, Any] = found.json()
    return told


def operates(world: World, *command: str) -> str:
    """Run a command as the operator of the world's broker."""
    return world.command(*command, BROKER_MODE="sandbox", BROKER_BASE_URL=world.info["issuer"]).stdout


def manages(client: PlatformClient, path: str, body: dict[str, Any]) -> Any:
    return client.asks(f"{client.issuer}/ssf/{path}", client.for_itself("ssf.manage"), body)


def test_every_event_of_a_permission_reaches_an_outsider_signed_and_in_order(
    world: World, client: PlatformClient, outsider: Outsider, stream: dict[str, Any]
) -> None:
    named = {"stream_id": stream["stream_id"]}
    assert manages(client, "streams/verify", {**named, "state": "st-1"}).status_code == 204
    assert outsider.awaits(1, stream["stream_id"]) == [{"state": "st-1"}]

    person = Person.of(world.info, "harbor")
    grant = person.shares(client, "balances", "transactions").answer["grant_id"]
    person.acts("pause", grant, category="balances")
    person.acts("resume", grant, category="balances")
    outsider.awaits(3, grant)
    outsider.stop()  # and what happens meanwhile waits
    person.acts("pause", grant)
    person.acts("resume", grant)
    outsider.start()
    person.acts("revoke", grant, category="balances")
    person.acts("revoke", grant)

    events = outsider.awaits(7, grant)
    changes = ["approved", "category_paused", "category_resumed", "paused", "resumed", "category_revoked", "revoked"]
    assert [event["change"] for event in events] == changes
    assert [event["sequence"] for event in events] == list(range(1, 8))
    assert {tuple(one["problems"]) for one in outsider.came() if one["claims"].get("jti")} == {()}


@pytest.mark.usefixtures("stream")
def test_a_switch_suspends_and_restores_what_it_stops(world: World, client: PlatformClient, outsider: Outsider) -> None:
    grant = Person.of(world.info, "meridian").shares(client, "balances").answer["grant_id"]
    operates(world, "switch", "off", "--platform", CLIENT, "--reason", "a drill")
    outsider.awaits(2, grant)
    operates(world, "switch", "on", "--platform", CLIENT, "--reason", "over")
    events = outsider.awaits(3, grant)
    assert [event["change"] for event in events] == ["approved", "suspended", "restored"]


def test_a_receiver_that_checks_finds_what_others_have_signed(world: World, outsider: Outsider) -> None:
    """The control: what the receiver accepts, it accepts because of the signature."""
    forged = jwt.encode({"alg": "ES256", "typ": "secevent+jwt"}, {"iss": world.info["issuer"]}, OTHER)
    answer = requests.post(
        f"{outsider.url}/events",
        data=forged,
        headers={"Content-Type": "application/secevent+jwt", "Authorization": HEADER},
        timeout=10,
    )
    assert (answer.status_code, answer.json()["err"]) == (400, "invalid_request")
    assert "signature" in answer.json()["description"]
