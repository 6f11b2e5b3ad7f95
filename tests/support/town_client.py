"""The platforms of the town as OAuth clients: their forms, with assertion and proof, by the town's clock."""

from collections.abc import Mapping
from typing import Any

from werkzeug.test import TestResponse

from tests.support.edge import BASE
from tests.support.platform_client import ASSERTION_TYPE, PlatformClient
from tests.support.town import Town


def client_of(town: Town, platform: str) -> PlatformClient:
    client = object.__new__(PlatformClient)  # its constructor asks a running broker for the metadata
    client.issuer, client.client_id, client.key = BASE, platform, town.keys[platform]
    client.dpop_key = town.keys[platform]
    return client


def authenticated(town: Town, platform: str, path: str, form: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the form with the platform's assertion, and its DPoP proof for this path."""
    client, now = client_of(town, platform), int(town.house.watch().timestamp())
    known = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": client.assertion(iat=now, exp=now + 60)}
    return {**known, **form}, client.proof("POST", BASE + path, iat=now)


def client_post(town: Town, platform: str, path: str, form: Mapping[str, Any]) -> TestResponse:
    body, proof = authenticated(town, platform, path, form)
    return town.app.test_client().post(path, data=body, headers={"DPoP": proof}, buffered=True)
