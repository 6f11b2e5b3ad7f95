"""What a call logs holds no secret, even before anything is redacted."""

import logging

import pytest
from structlog.testing import capture_logs

from tests.support.core import House
from tests.support.edge import Platform, app_of


def test_no_token_and_no_proof_is_in_what_a_call_logs_before_anything_is_redacted(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    platform = Platform(house, app_of(house).test_client(), house.approved())
    stranger = Platform(house, app_of(house).test_client(), house.approved())
    proof = platform.proof("/v1/accounts")
    caplog.set_level(logging.DEBUG)
    with capture_logs() as lines:
        statuses = [
            platform.get("/v1/accounts", proof=proof).status_code,
            platform.get("/v1/accounts", proof=proof).status_code,
            platform.get("/v1/accounts", proof=stranger.proof("/v1/accounts")).status_code,
            platform.get("/v1/accounts", f"?access_token={platform.token}").status_code,
            platform.get(f"/v1/{platform.token}", proof=proof).status_code,
            platform.http.get("/v1/accounts", headers={"Authorization": f"Bearer {platform.token}"}).status_code,
            platform.http.post("/oauth/token", data={"refresh_token": platform.token, "code": proof}).status_code,
        ]
    assert statuses == [200, 401, 401, 400, 404, 401, 401]
    written = repr(lines) + caplog.text
    assert "request.refused" in written
    for secret in (platform.token, stranger.token, proof, proof.split(".")[1]):
        assert secret not in written
