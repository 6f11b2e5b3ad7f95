import bank_world
import pytest
import requests
from bank_world import CALLBACK, Client, returned


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    with bank_world.running(tmp_path_factory.mktemp("bank"), "obie") as running:
        yield running


@pytest.fixture
def client(bank):
    return Client(bank)


@pytest.fixture
def customer(bank):
    return bank_world.PEOPLE[bank.standard][0]


def test_a_customer_signs_in_and_the_id_token_says_who_it_is(bank, client, customer):
    claims = client.signs_in(customer).claims()
    assert claims["iss"] == bank.url
    assert claims["aud"] == "broker"
    assert claims["nonce"] == client.nonce
    assert claims["sub"] != customer
    assert claims["name"]
    assert claims["exp"] > claims["iat"] >= claims["auth_time"] - 1
    assert "role" not in claims
    assert client.tokens["token_type"] == "Bearer"
    assert client.tokens["expires_in"] == 600


def test_the_subject_stays_the_same_at_every_sign_in(bank, customer):
    assert Client(bank).signs_in(customer).claims()["sub"] == Client(bank).signs_in(customer).claims()["sub"]


def test_staff_sign_in_with_a_role(client):
    claims = client.signs_in("ada", scope="openid profile").claims()
    assert (claims["role"], claims["name"]) == ("auditor", "Ada Auditor")
    assert "refresh_token" not in client.tokens


def test_the_answer_carries_code_state_and_issuer_and_keeps_the_clients_own_query(bank, client, customer):
    answer = client.submits(client.opens_sign_in(), username=customer, password=f"pass of {customer}")
    assert answer.status_code == 303
    back = returned(answer)
    assert (back["state"], back["iss"], back["from"]) == ("some state", bank.url, "bank")
    assert set(back) == {"code", "state", "iss", "from"}


def test_every_request_asks_for_the_password_again(client, customer):
    client.signs_in(customer)
    assert 'name="password"' in client.opens_sign_in(nonce="another").text


def test_the_page_names_the_client_and_lets_no_script_run(client):
    page = client.opens_sign_in()
    assert "Consent Broker" in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self' http://localhost:4199;" in policy
    assert "<script" not in page.text
    assert [cookie.name for cookie in client.browser.cookies] == ["bank_meridian_session"]
    assert "HttpOnly" in page.headers["Set-Cookie"]
    assert "SameSite=Lax" in page.headers["Set-Cookie"]


def test_cancelling_sends_the_person_back_with_a_refusal(bank, client):
    back = returned(client.submits(client.opens_sign_in(), cancel="yes"))
    assert (back["error"], back["state"], back["iss"]) == ("access_denied", "some state", bank.url)


def test_a_wrong_password_shows_the_page_again_without_the_password(client, customer):
    answer = client.submits(client.opens_sign_in(), username=customer, password="not it <b>")
    assert answer.status_code == 400
    assert "do not match" in answer.text
    assert "not it" not in answer.text
    assert "Location" not in answer.headers


def test_an_unknown_username_is_told_the_same(client, customer):
    wrong = client.submits(client.opens_sign_in(), username=customer, password="x")
    unknown = client.submits(client.opens_sign_in(), username="nobody", password="x")
    assert wrong.status_code == unknown.status_code == 400
    assert "do not match" in unknown.text


def test_ten_wrong_passwords_close_a_username_even_to_the_right_one(bank, client):
    name = bank_world.PEOPLE[bank.standard][2]
    page = client.opens_sign_in()
    for _ in range(10):
        assert client.submits(page, username=name, password="wrong").status_code == 400
    answer = client.submits(page, username=name, password=f"pass of {name}")
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "60"


def test_a_form_without_its_token_is_refused(client, customer):
    page = client.opens_sign_in()
    fields = {"username": customer, "password": f"pass of {customer}"}
    assert client.browser.post(page.url, data=fields, allow_redirects=False, timeout=5).status_code == 400
    assert requests.post(page.url, data=fields, allow_redirects=False, timeout=5).status_code == 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"redirect_uri": "http://localhost:4199/cb"},
        {"redirect_uri": CALLBACK + "&more"},
        {"redirect_uri": "https://evil.example/cb"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": 'http://a"b\\c\x00é'},
        {"redirect_uri": None},
        {"client_id": "somebody else"},
        {"client_id": None},
        {"client_id": "brokér"},
        {"response_type": 'co"de'},
        {"state": "\x07"},
        {"nonce": "n" * 5000},
        {"scope": "openid\u2028profile"},
    ],
)
def test_a_request_that_cannot_be_trusted_redirects_nobody(client, wrong):
    answer = client.opens_sign_in(**wrong)
    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_a_repeated_parameter_redirects_nobody(bank, client):
    asked = [*client.question().items(), ("state", "second")]
    answer = requests.get(f"{bank.url}/authorize", params=asked, allow_redirects=False, timeout=5)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"nonce": None}, "invalid_request"),
        ({"state": None}, "invalid_request"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": "openid everything"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_a_flawed_request_goes_back_to_the_client_with_an_error(bank, client, wrong, error):
    answer = client.opens_sign_in(**wrong)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("http://localhost:4199/cb?from=bank&")
    back = returned(answer)
    assert (back["error"], back["iss"]) == (error, bank.url)
    assert back.get("state") == (None if wrong.get("state", "") is None else "some state")


def test_metadata_names_what_the_bank_can_do(bank):
    metadata = requests.get(f"{bank.url}/.well-known/openid-configuration", timeout=5).json()
    assert metadata["issuer"] == bank.url
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert metadata["authorization_response_iss_parameter_supported"] is True
    key = requests.get(metadata["jwks_uri"], timeout=5).json()["keys"][0]
    assert "d" not in key
