"""The peers' mistakes once more, where clients manage registrations and grants: addresses, ids, false success."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from broker.policy.vocabulary import GrantStatus, MachineScope
from tests.support.town import Town
from tests.support.town_flow import Flow, told
from tests.support.town_registrant import Registrant


@pytest.fixture(scope="module")
def registrant(town: Town) -> Registrant:
    return Registrant(town)


@pytest.fixture
def trap() -> Iterator[socket.socket]:
    """An address inside that nobody is to call."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


def uncalled(trap: socket.socket) -> None:
    with pytest.raises(BlockingIOError):
        trap.accept()


def asks(flow: Flow, method: str, grant_id: str, query: str = "") -> TestResponse:
    """Ask for a grant, with a token of the platform itself for both methods."""
    form = {"grant_type": "client_credentials", "scope": " ".join(MachineScope)}
    token = json.loads(flow.post("/oauth/token", form).text)["access_token"]
    path = f"/oauth/grants/{grant_id}"
    headers = {"Authorization": f"DPoP {token}", "DPoP": flow.proof(path, token, method)}
    return flow.http.open(f"{path}{query}", method=method, headers=headers, buffered=True)


# Addresses of clients


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "LOCALHOST", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x0", "[::1]"),
        *("[::ffff:127.0.0.1]", "localhost.", "127.0.0.1.", "user@127.0.0.1", "public.example@127.0.0.1", "10.0.0.1"),
    ],
)
def test_keys_at_an_address_inside_are_never_fetched(
    registrant: Registrant, trap: socket.socket, host: str, scheme: str
) -> None:
    address = f"{scheme}://{host}:{trap.getsockname()[1]}/jwks"
    answer = registrant.registers(jwks=None, jwks_uri=address)
    if answer.status_code == 201:  # a sandbox takes an address of this machine, and calls what its operator listed
        assert told(registrant.authenticates(json.loads(answer.text))) == (401, "invalid_client")
    else:
        assert told(answer) == (400, "invalid_client_metadata")
    uncalled(trap)


@pytest.mark.parametrize(
    "member",
    [
        *("logo_uri", "client_uri", "policy_uri", "tos_uri", "sector_identifier_uri", "initiate_login_uri"),
        *("request_uris", "software_id", "backchannel_logout_uri", "post_logout_redirect_uris", "x5u", "jku"),
    ],
)
def test_no_other_address_of_a_client_is_kept_or_called(
    registrant: Registrant, trap: socket.socket, member: str
) -> None:
    address: Any = f"http://127.0.0.1:{trap.getsockname()[1]}/{member}"
    changes: dict[str, Any] = {member: [address] if member.endswith("s") else address}
    if member in {"x5u", "jku"}:
        changes = {"jwks": {"keys": [{**registrant.key.as_dict(private=False), member: address}]}}
    client = registrant.registered(**changes)
    assert address not in json.dumps(client)
    assert registrant.authenticates(client).status_code == 200
    assert address not in registrant.manages(client, "GET").text
    uncalled(trap)


# What is checked for one is never done for another


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_no_platform_reaches_anothers_grant(messenger: Flow, rival: Flow, method: str) -> None:
    mine, theirs = messenger.share(), rival.share(person="bob")
    assert told(asks(messenger, method, theirs.grant_id)) == (404, "not-found")
    assert messenger.town.house.grant(theirs.grant_id).status is GrantStatus.ACTIVE
    assert asks(rival, "GET", theirs.grant_id).status_code == 200
    # An id beside the one in the address counts for nothing.
    assert asks(messenger, method, mine.grant_id, f"?grant_id={theirs.grant_id}").status_code in {200, 204}
    assert messenger.town.house.grant(theirs.grant_id).status is GrantStatus.ACTIVE


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_no_client_reaches_anothers_registration(registrant: Registrant, method: str) -> None:
    mine, theirs = registrant.registered(client_name="Mine"), registrant.registered(client_name="Theirs")
    body = {**registrant.good, "client_id": theirs["client_id"]} if method == "PUT" else None
    for token in (mine["registration_access_token"], registrant.invitation):
        assert told(registrant.manages(theirs, method, body, token)) == (401, "invalid_token")
    if body is not None:
        assert told(registrant.manages(mine, method, body)) == (400, "invalid_client_metadata")
    for client in (mine, theirs):
        assert json.loads(registrant.manages(client, "GET").text) == client


def test_a_client_that_leaves_takes_nobody_along(registrant: Registrant) -> None:
    mine, theirs = registrant.registered(), registrant.registered()
    assert registrant.manages(mine, "DELETE").status_code == 204
    assert told(registrant.authenticates(mine)) == (401, "invalid_client")
    assert registrant.authenticates(theirs).status_code == 200


# No success for what was not stored


@pytest.mark.parametrize("table", ["grants", "machine_tokens", "single_use"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_grant_that_cannot_be_read_or_ended_is_answered_with_503(messenger: Flow, method: str, table: str) -> None:
    share, house = messenger.share(), messenger.town.house
    form = {"grant_type": "client_credentials", "scope": " ".join(MachineScope)}
    token = json.loads(messenger.post("/oauth/token", form).text)["access_token"]
    path = f"/oauth/grants/{share.grant_id}"
    headers = {"Authorization": f"DPoP {token}", "DPoP": messenger.proof(path, token, method)}
    house.runs(f"ALTER TABLE {table} RENAME TO gone")
    try:
        answer = messenger.http.open(path, method=method, headers=headers, buffered=True)
    finally:
        house.runs(f"ALTER TABLE gone RENAME TO {table}")
    assert told(answer) == (503, "storage-unavailable")
    assert house.grant(share.grant_id).status is GrantStatus.ACTIVE


def test_a_grant_whose_end_cannot_be_logged_has_not_ended(messenger: Flow) -> None:
    share, house = messenger.share(), messenger.town.house
    house.store.breaks_log_at("grant.revoked")
    try:
        answer = asks(messenger, "DELETE", share.grant_id)
    finally:
        house.store.mends_log()
    assert told(answer) == (503, "log-unavailable")
    assert house.grant(share.grant_id).status is GrantStatus.ACTIVE
    assert asks(messenger, "DELETE", share.grant_id).status_code == 204


@pytest.mark.parametrize("fails", ["platforms", "audit_entries"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_registration_that_cannot_be_stored_is_answered_with_503(
    registrant: Registrant, method: str, fails: str
) -> None:
    client, house = registrant.registered(), registrant.town.house
    body = {**registrant.good, "client_id": client["client_id"], "client_name": "Changed"}
    house.runs(f"ALTER TABLE {fails} RENAME TO gone")
    try:
        answer = (
            registrant.registers()
            if method == "POST"
            else registrant.manages(client, method, body if method == "PUT" else None)
        )
    finally:
        house.runs(f"ALTER TABLE gone RENAME TO {fails}")
    assert told(answer) == (503, "temporarily_unavailable")
    assert answer.headers["Retry-After"]
    assert json.loads(registrant.manages(client, "GET").text) == client
