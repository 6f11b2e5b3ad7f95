"""Clients register themselves by invitation and look after their registrations (RFC 7591, RFC 7592)."""

import json
import threading
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from joserfc.jwk import ECKey
from oauth_app import BASE, CALLBACK, SCOPES, App
from oauth_world import World
from sqlalchemy import select
from werkzeug.test import TestResponse

from broker.audit.models import EntryRow
from broker.cli.worker import end_platform
from broker.events.outbox import lease
from broker.platforms import initial_tokens
from broker.platforms.models import PlatformRow
from broker.platforms.registration_tokens import entrust
from broker.platforms.service import find
from broker.policy.vocabulary import GrantStatus

MACHINE = ("grant_management_query", "grant_management_revoke")
KEY = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
OTHER = ECKey.generate_key("P-256", auto_kid=True)
GOOD: dict[str, Any] = {
    "client_name": "Chatty",
    "redirect_uris": [CALLBACK],
    "jwks": {"keys": [KEY.as_dict(private=False)]},
    "scope": "balances transactions",
    "purposes": ["chat_banking"],
    "default_purpose": "chat_banking",
}


@dataclass
class Desk:
    """Where clients register: an invitation for all of the world's scopes, and requests of every kind."""

    world: World
    invitation: str = field(init=False)

    def __post_init__(self) -> None:
        self.invitation = self.invites()

    def invites(self, most_uses: int = 9, scopes: tuple[str, ...] = (*SCOPES, *MACHINE), days: int = 7) -> str:
        services = self.world.services
        with services.database.write() as session:
            _, secret = initial_tokens.create(
                session,
                services.catalogue,
                label="Chatty Ltd",
                purposes=("chat_banking",),
                scopes=scopes,
                most_uses=most_uses,
                days=days,
                now=self.world.watch(),
            )
        return secret

    def sends(self, method: str, path: str, token: str | None, body: Any = None) -> TestResponse:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        return self.world.browser().open(
            path, method=method, headers=headers, data=data, content_type="application/json" if data else None
        )

    def registers(self, *, token: str | None = None, **changes: Any) -> TestResponse:
        return self.sends("POST", "/oauth/register", token or self.invitation, GOOD | changes)

    def registered(self, **changes: Any) -> dict[str, Any]:
        response = self.registers(**changes)
        assert response.status_code == 201, response.text
        return cast("dict[str, Any]", response.json)

    def manages(self, client: dict[str, Any], method: str, body: Any = None, token: str | None = None) -> TestResponse:
        path = client["registration_client_uri"].removeprefix(BASE)
        return self.sends(method, path, token or client["registration_access_token"], body)

    def app(self, client: dict[str, Any], key: ECKey = KEY) -> App:
        return App(client["client_id"], self.world.app.test_client(), self.world.watch, key)


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


def refused(response: TestResponse, error: str, status: int = 400) -> None:
    assert (response.status_code, response.json["error"]) == (status, error), response.text
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.fapi(58, 82)
def test_a_client_registers_itself_and_is_told_everything(desk: Desk) -> None:
    told = desk.registered()
    assert told.pop("registration_access_token").startswith("bkr_rg_")
    client_id = told.pop("client_id")
    assert client_id.startswith("c_")
    assert told.pop("registration_client_uri") == f"{BASE}/oauth/register/{client_id}"
    assert told == {
        **GOOD,
        "client_id_issued_at": int(desk.world.watch().timestamp()),
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "private_key_jwt",
        "dpop_bound_access_tokens": True,
        "dpop_nonce_required": False,
        "require_pushed_authorization_requests": True,
        "require_signed_request_object": False,
        "authorization_details_types": ["bank_data"],
    }
    with desk.world.services.database.read() as session:
        leaf = json.loads(session.scalars(select(EntryRow.leaf).order_by(EntryRow.number.desc())).first() or b"{}")
    assert (leaf["event"], leaf["platform"], leaf["initiator"]) == ("platform.registered", client_id, "DATA_RECIPIENT")


def test_a_registered_client_takes_part_at_once(desk: Desk) -> None:
    assert desk.app(desk.registered()).pushes(scope="balances").status_code == 201


def test_a_client_may_register_for_itself_alone(desk: Desk) -> None:
    told = desk.registered(redirect_uris=None, scope=" ".join(MACHINE), grant_types=["client_credentials"])
    assert (told["grant_types"], told["response_types"], told["redirect_uris"]) == (["client_credentials"], [], [])
    assert told["scope"] == " ".join(MACHINE)


def test_keys_at_a_url_and_other_choices_are_kept(desk: Desk) -> None:
    choices = {
        "jwks": None,
        "jwks_uri": "http://localhost:4199/jwks",
        "token_endpoint_auth_signing_alg": "PS256",
        "dpop_nonce_required": True,
        "dpop_bound_access_tokens": True,
    }
    told = desk.registered(**choices)
    assert "jwks" not in told
    assert {name: told[name] for name in choices if name != "jwks"} == {k: v for k, v in choices.items() if k != "jwks"}


def test_what_nobody_knows_is_passed_over_and_never_called(desk: Desk) -> None:
    unknown = {"logo_uri": "http://169.254.169.254/", "client_uri": "javascript:1", "client_id": "messenger", "x": [1]}
    told = desk.registered(**unknown, contacts=None)
    assert told.keys().isdisjoint({"logo_uri", "client_uri", "x", "contacts"})
    assert told["client_id"] != "messenger"


@pytest.mark.parametrize("token", [None, "bkr_it_guess", "", "x" * 9_000, "\u00e9"])
@pytest.mark.fapi(82)
def test_without_an_invitation_nobody_registers(desk: Desk, token: str | None) -> None:
    for response in (
        desk.sends("POST", "/oauth/register", token, GOOD),
        desk.sends("GET", "/oauth/register/messenger", token),
        desk.sends("PUT", "/oauth/register/nobody", token, GOOD),
        desk.sends("DELETE", "/oauth/register/%00", token),
    ):
        refused(response, "invalid_token", 401)
        challenge = response.headers["WWW-Authenticate"]
        assert challenge.startswith('Bearer realm="registration"')
        assert ('error="invalid_token"' in challenge) is (token is not None)


def test_an_invitation_counts_its_uses_and_ends(desk: Desk) -> None:
    once, short = desk.invites(most_uses=1), desk.invites(days=1)
    assert desk.registers(token=once).status_code == 201
    refused(desk.registers(token=once), "invalid_token", 401)
    refused(desk.registers(token=short, client_name=""), "invalid_client_metadata")
    desk.world.watch.passes(86_400)
    refused(desk.registers(token=short), "invalid_token", 401)
    with desk.world.services.database.write() as session:
        listed = initial_tokens.listed(session)
        assert sorted(token.uses for token in listed) == [0, 0, 1]
        for token in listed:
            initial_tokens.revoke(session, token.id, desk.world.watch())
    refused(desk.registers(), "invalid_token", 401)


def test_invitations_that_nobody_used_are_forgotten_and_the_others_kept(desk: Desk) -> None:
    desk.invites()
    desk.registered()
    for days, left in ((7 + 29, 2), (2, 1)):
        desk.world.watch.passes(days * 86_400)
        with desk.world.services.database.write() as session:
            initial_tokens.forget_unused(session, desk.world.watch())
            assert len(initial_tokens.listed(session)) == left


def test_of_many_who_register_at_once_no_more_get_in_than_were_invited(desk: Desk) -> None:
    token, answers = desk.invites(most_uses=2), []
    threads = [threading.Thread(target=lambda: answers.append(desk.registers(token=token))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(answer.status_code for answer in answers) == [201, 201, 401, 401, 401, 401]


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no name": ({"client_name": None}, "invalid_client_metadata"),
    "a name nobody sees": ({"client_name": "\u202eknaB robraH"}, "invalid_client_metadata"),
    "a name of half a character": ({"client_name": "\ud800"}, "invalid_client_metadata"),
    "a name that is a list": ({"client_name": ["x"]}, "invalid_client_metadata"),
    "a long name": ({"client_name": "x" * 121}, "invalid_client_metadata"),
    "no keys": ({"jwks": None}, "invalid_client_metadata"),
    "keys here and there": ({"jwks_uri": "https://m.example/jwks"}, "invalid_client_metadata"),
    "a flag that is a number": ({"dpop_nonce_required": 1}, "invalid_client_metadata"),
    "keys that are a text": ({"jwks": "{}"}, "invalid_client_metadata"),
    "a private key": ({"jwks": {"keys": [KEY.as_dict(private=True)]}}, "invalid_client_metadata"),
    "a number as key": ({"jwks": {"keys": [5]}}, "invalid_client_metadata"),
    "keys inside": ({"jwks": None, "jwks_uri": "https://10.0.0.1/jwks"}, "invalid_client_metadata"),
    "keys without TLS": ({"jwks": None, "jwks_uri": "http://m.example/jwks"}, "invalid_client_metadata"),
    "keys at a list": ({"jwks": None, "jwks_uri": ["https://m.example/jwks"]}, "invalid_client_metadata"),
    "no redirect URI": ({"redirect_uris": []}, "invalid_client_metadata"),
    "a redirect URI as text": ({"redirect_uris": CALLBACK}, "invalid_redirect_uri"),
    "an http redirect URI": ({"redirect_uris": [CALLBACK, "http://m.example/cb"]}, "invalid_redirect_uri"),
    "a redirect URI with a fragment": ({"redirect_uris": ["https://m.example/cb#x"]}, "invalid_redirect_uri"),
    "a script as redirect URI": ({"redirect_uris": ["JavaScript:alert(1)"]}, "invalid_redirect_uri"),
    "a number as redirect URI": ({"redirect_uris": [5]}, "invalid_redirect_uri"),
    "many redirect URIs": ({"redirect_uris": [f"https://m.example/{n}" for n in range(21)]}, "invalid_redirect_uri"),
    "a scope that was not offered": ({"scope": "balances loan_answers"}, "invalid_client_metadata"),
    "an unknown scope": ({"scope": "openid"}, "invalid_client_metadata"),
    "a scope that is a list": ({"scope": ["balances"]}, "invalid_client_metadata"),
    "another purpose": ({"purposes": ["balance_check"]}, "invalid_client_metadata"),
    "a forbidden purpose": ({"purposes": ["advertising"]}, "invalid_client_metadata"),
    "purposes as text": ({"purposes": "chat_banking"}, "invalid_client_metadata"),
    "another default purpose": ({"default_purpose": "balance_check"}, "invalid_client_metadata"),
    "no purpose": ({"purposes": None, "default_purpose": None}, "invalid_client_metadata"),
    "a client secret": ({"token_endpoint_auth_method": "client_secret_basic"}, "invalid_client_metadata"),
    "a public client": ({"token_endpoint_auth_method": "none"}, "invalid_client_metadata"),
    "a weak algorithm": ({"token_endpoint_auth_signing_alg": "RS256"}, "invalid_client_metadata"),
    "no algorithm": ({"token_endpoint_auth_signing_alg": "none"}, "invalid_client_metadata"),
    "bearer tokens": ({"dpop_bound_access_tokens": False}, "invalid_client_metadata"),
    "bearer tokens in words": ({"dpop_bound_access_tokens": "true"}, "invalid_client_metadata"),
    "no pushed requests": ({"require_pushed_authorization_requests": False}, "invalid_client_metadata"),
    "the implicit flow": ({"response_types": ["token"]}, "invalid_client_metadata"),
    "passwords": ({"grant_types": ["authorization_code", "password"]}, "invalid_client_metadata"),
    "refresh alone": ({"grant_types": ["refresh_token"], "redirect_uris": None}, "invalid_client_metadata"),
    "a grant type without its scope": (
        {"grant_types": ["authorization_code", "client_credentials"]},
        "invalid_client_metadata",
    ),
    "a scope without its grant type": ({"scope": MACHINE[0]}, "invalid_client_metadata"),
    "other details": ({"authorization_details_types": ["payment"]}, "invalid_client_metadata"),
    "a statement": ({"software_statement": "e30.e30.x"}, "unapproved_software_statement"),
}


@pytest.mark.parametrize("name", list(BAD))
def test_metadata_that_cannot_be_kept_are_refused_whole(desk: Desk, name: str) -> None:
    changes, error = BAD[name]
    refused(desk.registers(**changes), error)
    with desk.world.services.database.read() as session:
        assert len(session.scalars(select(PlatformRow.id)).all()) == 3
        assert initial_tokens.listed(session)[0].uses == 0


BODIES = [
    b"",
    b"{",
    b"[]",
    b'"x"',
    b'{"client_name":"a","client_name":"b"}',
    b'{"client_name":"\\u0000"}',
    b'{"x":NaN}',
    b'{"x":1e999}',
    b"\xff{}",
    b'{"a":' * 5_000,
    b'{"x":"' + b"a" * 70_000 + b'"}',
    b"client_name=a",
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_a_body_that_is_no_strict_json_is_refused(desk: Desk, body: bytes) -> None:
    client = desk.registered()
    refused(desk.sends("POST", "/oauth/register", desk.invitation, body), "invalid_client_metadata")
    refused(desk.manages(client, "PUT", body), "invalid_client_metadata")


def test_a_form_is_no_registration(desk: Desk) -> None:
    headers = {"Authorization": f"Bearer {desk.invitation}"}
    refused(desk.world.browser().post("/oauth/register", headers=headers, data=GOOD), "invalid_client_metadata")


def test_a_client_reads_its_registration(desk: Desk) -> None:
    client = desk.registered()
    assert desk.manages(client, "GET").json == client


@pytest.mark.fapi(82)
def test_what_is_left_out_of_a_change_is_gone(desk: Desk) -> None:
    client = desk.registered()
    less = {"client_id": client["client_id"], "client_name": "Chatty 2", "scope": "balances", "default_purpose": None}
    changed = desk.manages(client, "PUT", {**GOOD, **less, "jwks": {"keys": [OTHER.as_dict(private=False)]}})
    assert changed.status_code == 200
    assert changed.json["scope"] == "balances"
    assert "default_purpose" not in changed.json
    assert changed.json == desk.manages(client, "GET").json
    refused(desk.app(client).pushes(scope="balances"), "invalid_client", 401)
    asked = desk.app(client, OTHER).pushes(scope="balances")
    assert asked.json["error"] == "invalid_request"  # there is no default purpose any more


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": None},
        {"client_id": "messenger"},
        {"client_secret": "guess"},
        {"registration_access_token": "x"},
        {"registration_client_uri": "https://m.example"},
        {"client_id_issued_at": 1},
        {"scope": "balances loan_answers"},
        {"purposes": ["balance_check"]},
        {"jwks_uri": "https://m.example/jwks"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_change_that_cannot_be_made_changes_nothing(desk: Desk, changes: dict[str, Any]) -> None:
    client = desk.registered()
    body = {**GOOD, "client_id": client["client_id"], "client_name": "Other", **changes}
    refused(desk.manages(client, "PUT", body), "invalid_client_metadata")
    assert desk.manages(client, "GET").json == client


def test_a_client_never_grows_beyond_its_invitation(desk: Desk) -> None:
    narrow = desk.invites(scopes=("balances",))
    client = desk.registered(token=narrow, scope="balances")
    wider = {**GOOD, "client_id": client["client_id"], "scope": "balances transactions"}
    refused(desk.manages(client, "PUT", wider), "invalid_client_metadata")


def test_a_client_that_the_operator_entrusts_with_itself_keeps_to_what_it_has(desk: Desk) -> None:
    with desk.world.services.database.write() as session:
        session.get_one(PlatformRow, "rival").scopes = ["balances"]
        entrust(session, "rival", "bkr_rg_known", registered_by=None)
    body = {**GOOD, "client_id": "rival", "default_purpose": None}
    refused(desk.sends("PUT", "/oauth/register/rival", "bkr_rg_known", body), "invalid_client_metadata")
    body["scope"] = "balances"
    assert desk.sends("PUT", "/oauth/register/rival", "bkr_rg_known", body).status_code == 200
    assert desk.sends("GET", "/oauth/register/rival", "bkr_rg_known").json["scope"] == "balances"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_one_clients_token_does_nothing_to_another_client(desk: Desk, method: str) -> None:
    mine, other = desk.registered(), desk.registered()
    for token in (mine["registration_access_token"], desk.invitation):
        body = {**GOOD, "client_id": other["client_id"], "client_name": "Taken"}
        refused(desk.manages(other, method, body if method == "PUT" else None, token), "invalid_token", 401)
    refused(desk.registers(token=mine["registration_access_token"]), "invalid_token", 401)
    assert desk.manages(other, "GET").json == other


@pytest.mark.fapi(82)
def test_a_client_that_leaves_has_nothing_any_more(desk: Desk) -> None:
    world, client = desk.world, desk.registered(scope=" ".join(SCOPES))
    world.messenger.id = client["client_id"]
    world.messenger.key = KEY
    tokens = world.tokens()
    grant_id = tokens["grant_id"]
    assert world.api.introspects(tokens["access_token"])["active"]
    response = desk.manages(client, "DELETE")
    assert (response.status_code, response.data) == (204, b"")
    assert world.api.introspects(tokens["access_token"]) == {"active": False}
    refused(world.messenger.refreshes(tokens["refresh_token"]), "invalid_client", 401)
    refused(desk.manages(client, "GET"), "invalid_token", 401)
    refused(desk.manages(client, "DELETE"), "invalid_token", 401)
    with world.services.database.write() as session:
        task = lease(session, world.watch())
    assert task is not None
    for _ in range(2):  # the worker may have to do it again
        end_platform(world.services, task)
    grant = world.grant(grant_id)
    assert (grant.status, grant.status_code) == (GrantStatus.REVOKED, "platform-removed")
    assert world.events()[-2:] == ["platform.removed", "grant.revoked"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_what_cannot_be_stored_is_not_claimed(desk: Desk, method: str) -> None:
    client = desk.registered()
    with desk.world.services.database.write() as session:
        session.connection().exec_driver_sql("ALTER TABLE audit_entries RENAME TO gone")
    body = {**GOOD, "client_id": client["client_id"], "client_name": "Other"}
    if method == "POST":
        refused(desk.registers(), "temporarily_unavailable", 503)
    else:
        refused(desk.manages(client, method, body), "temporarily_unavailable", 503)
    with desk.world.services.database.write() as session:
        session.connection().exec_driver_sql("ALTER TABLE gone RENAME TO audit_entries")
        found = find(session, client["client_id"])
    assert found is not None
    assert found.name == "Chatty"


def test_other_methods_are_not_known(desk: Desk) -> None:
    client = desk.registered()
    for response in (desk.sends("GET", "/oauth/register", desk.invitation), desk.manages(client, "PATCH", GOOD)):
        assert response.status_code == 405


def test_secrets_are_kept_as_digests(desk: Desk) -> None:
    client = desk.registered()
    with desk.world.services.database.read() as session:
        told = str([[*map(tuple, session.connection().exec_driver_sql(f"SELECT * FROM {table}"))] for table in TABLES])  # noqa: S608 - names of our own
    assert client["registration_access_token"] not in told
    assert desk.invitation not in told


TABLES = ("platforms", "initial_access_tokens")


def test_metadata_say_where_to_register(world: World) -> None:
    told = world.browser().get("/.well-known/oauth-authorization-server").json
    assert told["registration_endpoint"] == f"{BASE}/oauth/register"
