import secrets
from concurrent.futures import ThreadPoolExecutor

import bank_world
import pytest
import requests
from bank_world import Client, returned
from joserfc.jwk import ECKey


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    with bank_world.running(tmp_path_factory.mktemp("bank"), "fdx") as running:
        yield running


@pytest.fixture
def client(bank):
    return Client(bank)


@pytest.fixture
def customer(bank):
    return bank_world.PEOPLE[bank.standard][0]


def test_a_code_works_once_and_its_second_use_ends_the_tokens(client, customer):
    code = client.code_for(customer)
    first = client.redeems(code).json()
    again = client.redeems(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    path = "/accounts"
    assert client.reads(path, token=first["access_token"]).status_code == 401
    refreshed = client.posts("/token", grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert refreshed.json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"code_verifier": secrets.token_urlsafe(48)}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_request"),
        ({"redirect_uri": "http://localhost:4199/other"}, "invalid_grant"),
    ],
)
def test_a_code_with_the_wrong_proof_is_burnt(client, customer, wrong, error):
    code = client.code_for(customer)
    assert client.redeems(code, **wrong).json()["error"] == error
    assert client.redeems(code).json()["error"] == "invalid_grant"


def test_of_many_who_redeem_a_code_at_once_one_wins(client, customer):
    code = client.code_for(customer)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.redeems(code), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7


def test_of_many_who_use_an_assertion_at_once_one_wins(client):
    proof = client.assertion()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.posts("/revoke", proof, token="x"), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7


def test_a_nonce_serves_once(client, customer):
    client.signs_in(customer)
    assert returned(client.opens_sign_in())["error"] == "invalid_request"


@pytest.mark.parametrize(
    "flaw",
    [
        {"aud": "https://somebody.example"},
        {"exp": 1},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": 99999999999},
        {"jti": None},
        {"jti": ["a"]},
        {"iss": "somebody"},
        {"sub": None},
        {"sub": {"a": 1}},
        {"aud": None},
    ],
)
def test_a_flawed_client_assertion_is_refused(client, flaw):
    answer = client.posts("/token", client.assertion(**flaw), grant_type="authorization_code", code="x")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")


def test_a_client_assertion_serves_once(client):
    proof = client.assertion()
    client.posts("/token", proof, grant_type="refresh_token", refresh_token="x")
    again = client.posts("/token", proof, grant_type="refresh_token", refresh_token="x")
    assert again.json()["error"] == "invalid_client"


@pytest.mark.parametrize("proof", ["", "a.b.c", "é.é.é", "x" * 9000, "eyJhbGciOiJub25lIn0.eyJzdWIiOiJicm9rZXIifQ."])
def test_an_assertion_that_is_none_is_refused(client, proof):
    fields = {
        "client_assertion_type": bank_world.ASSERTION_TYPE,
        "client_assertion": proof,
        "grant_type": "refresh_token",
    }
    answer = requests.post(f"{client.bank.url}/token", data=fields | {"refresh_token": "x"}, timeout=5)
    assert answer.status_code == 400
    assert answer.json()["error"] in ("invalid_client", "invalid_request")


def test_somebody_elses_key_does_not_authenticate(bank):
    stranger = Client(bank_world.Bank(bank.url, bank.standard, bank.config_file, ECKey.generate_key("P-256")))
    answer = stranger.posts("/token", grant_type="refresh_token", refresh_token="x")
    assert answer.json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    "fields", [{}, {"grant_type": "password"}, {"grant_type": 'a"b'}, {"grant_type": "refresh_token"}]
)
def test_an_incomplete_token_request_is_a_coded_error(client, fields):
    answer = client.posts("/token", **fields)
    assert answer.status_code == 400
    assert answer.json()["error"] in ("unsupported_grant_type", "invalid_request")


def test_refreshing_keeps_the_refresh_token_and_a_revocation_ends_everything(client, customer):
    client.signs_in(customer)
    refresh = client.tokens["refresh_token"]
    first = client.posts("/token", grant_type="refresh_token", refresh_token=refresh).json()
    second = client.posts("/token", grant_type="refresh_token", refresh_token=refresh).json()
    assert "refresh_token" not in first
    assert client.reads("/accounts", token=second["access_token"]).status_code == 200
    assert client.posts("/revoke", token=refresh).status_code == 200
    assert client.reads("/accounts", token=second["access_token"]).status_code == 401
    assert client.posts("/token", grant_type="refresh_token", refresh_token=refresh).json()["error"] == "invalid_grant"
    assert client.posts("/revoke", token=refresh).status_code == 200


def test_refreshing_may_narrow_but_never_widen(client, customer):
    client.signs_in(customer, scope="openid offline_access")
    fields = {"grant_type": "refresh_token", "refresh_token": client.tokens["refresh_token"]}
    assert client.posts("/token", **fields, scope="openid profile").json()["error"] == "invalid_scope"
    assert client.posts("/token", **fields, scope="openid").json()["scope"] == "openid"


def test_revoking_needs_client_authentication(bank, client, customer):
    client.signs_in(customer)
    answer = requests.post(f"{bank.url}/revoke", data={"token": client.tokens["access_token"]}, timeout=5)
    assert answer.json()["error"] == "invalid_client"
    assert client.reads("/accounts").status_code == 200


def test_userinfo_says_who_the_token_stands_for(bank, client, customer):
    client.signs_in(customer)
    headers = {"Authorization": f"Bearer {client.tokens['access_token']}"}
    info = requests.get(f"{bank.url}/userinfo", headers=headers, timeout=5).json()
    assert info["sub"] == client.claims()["sub"]
    assert requests.get(f"{bank.url}/userinfo", timeout=5).status_code == 401
