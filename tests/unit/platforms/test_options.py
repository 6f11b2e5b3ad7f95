"""A client's options as they rest in its row."""

import json

import pytest

from broker.platforms.options import NO_OPTIONS, Options

FULL = Options(
    requires_nonce=True,
    requires_signed_requests=True,
    request_object_signing_alg="PS256",
    authorization_signed_response_alg="ES256",
    introspection_signed_response_alg="ES256",
    token_endpoint_auth_signing_alg="Ed25519",
    machine_scopes=("grant_management_query", "grant_management_revoke"),
)


@pytest.mark.parametrize("options", [NO_OPTIONS, FULL, Options(machine_scopes=("grant_management_revoke",))])
def test_what_is_stored_is_read_back(options: Options) -> None:
    assert Options.from_json(json.loads(json.dumps(options.to_json()))) == options


def test_a_row_without_options_asks_for_nothing() -> None:
    assert NO_OPTIONS.to_json() == {}
    assert Options.from_json({}) == NO_OPTIONS


def test_an_option_that_nobody_knows_is_not_passed_over() -> None:
    with pytest.raises(TypeError):
        Options.from_json({"requires_a_notary": True})


def test_an_unknown_machine_scope_is_not_passed_over() -> None:
    with pytest.raises(ValueError, match="balances"):
        Options.from_json({"machine_scopes": ["balances"]})
