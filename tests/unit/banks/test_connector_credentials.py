"""How a connector keeps, renews and gives back its credential, whatever standard the bank speaks."""

from datetime import timedelta

import pytest
from fake_bank import NOW, FakeBank, Renewals, access

from broker.banks.connector import Credential
from broker.banks.connectors import BankEndpoint, build
from broker.errors import BankInvalidAnswer, BankSignInNeeded, BankUnavailable, ConfigurationInvalid
from broker.outbound import OutboundClient


@pytest.fixture(autouse=True)
def _an_empty_bank(bank: FakeBank) -> None:
    bank.answers = {
        "/api/customers/current": {"customerId": "hb-1"},
        "/api/accounts": {"accounts": []},
    }


def test_an_unknown_standard_is_a_configuration_error() -> None:
    endpoint = BankEndpoint("harbor", "https://bank.example", "https://bank.example/api", "broker")
    with pytest.raises(ConfigurationInvalid, match="fdx, obie"):
        build("swift", endpoint, OutboundClient(frozenset(), 1.0), lambda audience: audience, lambda: NOW)


def test_a_data_call_announces_itself_to_the_bank(bank: FakeBank) -> None:
    bank.connector("fdx").accounts(access())
    sent = bank.headers[-1]
    assert sent["authorization"] == "Bearer access-1"
    assert sent["x-fapi-interaction-id"] == "11111111-2222-4333-8444-555555555555"
    assert sent["x-broker-category"] == "accounts"


def test_a_token_about_to_expire_is_renewed_before_the_call(bank: FakeBank) -> None:
    renewals = Renewals()
    bank.connector("fdx").accounts(access(renewals, expires_in_s=5))
    assert renewals == [Credential("access-2", "r", NOW + timedelta(seconds=600))]
    assert bank.headers[-1]["authorization"] == "Bearer access-2"
    assert bank.forms == [
        {
            "grant_type": "refresh_token",
            "refresh_token": "r",
            "client_id": "broker",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": f"assertion-for-{bank.origin}",
        }
    ]


def test_a_token_that_the_bank_refuses_is_renewed_once(bank: FakeBank) -> None:
    bank.live_tokens.clear()
    renewals = Renewals()
    bank.connector("fdx").accounts(access(renewals))
    assert [credential.access_token for credential in renewals] == ["access-2"]


def test_a_renewed_credential_is_handed_over_before_it_is_used(bank: FakeBank) -> None:
    class Refusing(Renewals):
        def append(self, _credential: Credential) -> None:
            raise RuntimeError("the database is gone")

    with pytest.raises(RuntimeError):
        bank.connector("fdx").accounts(access(Refusing(), expires_in_s=5))
    assert bank.data_paths == []


def test_when_even_the_renewed_token_is_refused_the_person_must_sign_in(bank: FakeBank) -> None:
    bank.live_tokens.clear()
    bank.token_answer = (200, {"access_token": "dead", "token_type": "Bearer", "expires_in": 600})
    bank.live_tokens = set()
    connector = bank.connector("fdx")
    with pytest.raises(BankSignInNeeded):
        connector.accounts(access())
    assert len(bank.forms) == 1


def test_without_a_refresh_token_a_refused_token_means_sign_in(bank: FakeBank) -> None:
    bank.live_tokens.clear()
    with pytest.raises(BankSignInNeeded):
        bank.connector("fdx").accounts(access(refresh=None))
    assert bank.forms == []


def test_a_grant_that_ended_at_the_bank_means_sign_in(bank: FakeBank) -> None:
    bank.token_answer = (400, {"error": "invalid_grant"})
    with pytest.raises(BankSignInNeeded):
        bank.connector("fdx").accounts(access(expires_in_s=0))


@pytest.mark.parametrize(
    "answer",
    [
        (401, {"error": "invalid_client"}),
        (400, {}),
        (400, {"error": 7}),
        (200, {}),
        (200, {"access_token": "a\nb", "token_type": "Bearer", "expires_in": 600}),
        (200, {"access_token": "a", "token_type": "DPoP", "expires_in": 600}),
        (200, {"access_token": "a", "token_type": "Bearer", "expires_in": "600"}),
        (200, {"access_token": "a", "token_type": "Bearer", "expires_in": True}),
        (200, {"access_token": "a", "token_type": "Bearer", "expires_in": -1}),
        (200, {"access_token": "a" * 5000, "token_type": "Bearer", "expires_in": 600}),
    ],
)
def test_an_odd_token_answer_is_refused(bank: FakeBank, answer: tuple[int, dict[str, object]]) -> None:
    bank.token_answer = answer
    with pytest.raises(BankInvalidAnswer):
        bank.connector("fdx").accounts(access(expires_in_s=0))
    assert bank.data_paths == []


def test_a_token_said_to_live_for_ever_is_not_believed(bank: FakeBank) -> None:
    bank.token_answer = (200, {"access_token": "access-2", "token_type": "bearer", "expires_in": 10**30})
    renewals = Renewals()
    bank.connector("fdx").accounts(access(renewals, expires_in_s=0))
    assert renewals[0].expires_at == NOW + timedelta(days=1)


def test_ending_revokes_the_refresh_token_first_and_then_the_access_token(bank: FakeBank) -> None:
    bank.connector("obie").end(Credential("access-1", "r", NOW))
    assert [(form["token"], form["token_type_hint"]) for form in bank.forms] == [
        ("r", "refresh_token"),
        ("access-1", "access_token"),
    ]


def test_a_bank_without_revocation_is_said_to_be_one(bank: FakeBank) -> None:
    del bank.metadata["revocation_endpoint"]
    with pytest.raises(BankInvalidAnswer, match="no way"):
        bank.connector("obie").end(Credential("access-1", "r", NOW))


def test_metadata_is_read_once_in_ten_minutes_but_anew_for_health(bank: FakeBank) -> None:
    connector = bank.connector("fdx")
    connector.end(Credential("access-1", None, NOW))
    connector.end(Credential("access-1", None, NOW))
    assert bank.asked.count("/.well-known/openid-configuration") == 1
    connector.health()
    assert bank.asked.count("/.well-known/openid-configuration") == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("issuer", "https://other.example"),
        ("issuer", None),
        ("token_endpoint", None),
        ("token_endpoint", "https://other.example/token"),
        ("token_endpoint", "http://localhost:8411/token"),
        ("token_endpoint", "http://[broken/token"),
        ("token_endpoint", 7),
        ("revocation_endpoint", "https://other.example/revoke"),
    ],
)
def test_metadata_of_another_issuer_or_leading_elsewhere_is_refused(
    bank: FakeBank, name: str, value: str | int | None
) -> None:
    bank.metadata[name] = value  # type: ignore[assignment] # wrong on purpose
    with pytest.raises(BankInvalidAnswer):
        bank.connector("fdx").health()


def test_an_issuer_with_a_slash_more_is_another_issuer(bank: FakeBank) -> None:
    bank.metadata["issuer"] += "/"
    with pytest.raises(BankInvalidAnswer):
        bank.connector("fdx").health()


@pytest.mark.parametrize(("status", "kind"), [(403, BankInvalidAnswer), (429, BankUnavailable), (500, BankUnavailable)])
def test_other_refusals_of_the_bank_are_coded_errors(bank: FakeBank, status: int, kind: type[BankUnavailable]) -> None:
    bank.status["/api/accounts"] = status
    with pytest.raises(kind):
        bank.connector("fdx").accounts(access())
