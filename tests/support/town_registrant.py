"""Clients that register themselves in the town, by one invitation, and look after what they registered."""

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from broker.platforms import initial_tokens
from broker.platforms.initial_tokens import MOST_USES
from tests.support.edge import BASE
from tests.support.platform_client import ASSERTION_TYPE, PlatformClient
from tests.support.town import CALLBACK, Town


@dataclass
class Registrant:
    """Whoever holds the invitation; `key` is the one that good metadata name."""

    town: Town
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"alg": "ES256"}, auto_kid=True))
    invitation: str = field(init=False)

    def __post_init__(self) -> None:
        house = self.town.house
        with house.database.write() as session:
            _, self.invitation = initial_tokens.create(
                session,
                house.catalogue,
                label="Anybody Ltd",
                purposes=("chat_banking",),
                scopes=("balances",),
                most_uses=MOST_USES,
                days=300,
                now=house.watch(),
            )

    @property
    def good(self) -> dict[str, Any]:
        return {
            "client_name": "Anybody",
            "redirect_uris": [CALLBACK],
            "jwks": {"keys": [self.key.as_dict(private=False)]},
            "scope": "balances",
            "purposes": ["chat_banking"],
            "default_purpose": "chat_banking",
        }

    def sends(self, method: str, path: str, token: str, body: Any = None) -> TestResponse:
        headers = {"Authorization": f"Bearer {token}"}
        data = None if body is None else json.dumps(body)
        kind = None if body is None else "application/json"
        client = self.town.app.test_client()
        return client.open(path, method=method, headers=headers, data=data, content_type=kind, buffered=True)

    def registers(self, **changes: Any) -> TestResponse:
        return self.sends("POST", "/oauth/register", self.invitation, {**self.good, **changes})

    def registered(self, **changes: Any) -> dict[str, Any]:
        answer = self.registers(**changes)
        assert answer.status_code == 201, answer.text
        return dict(json.loads(answer.text))

    def manages(self, client: dict[str, Any], method: str, body: Any = None, token: str | None = None) -> TestResponse:
        path = str(client["registration_client_uri"]).removeprefix(BASE)
        return self.sends(method, path, token or client["registration_access_token"], body)

    def authenticates(self, client: dict[str, Any]) -> TestResponse:
        """Let a registered client ask what a token is worth, with an assertion of the key."""
        app = object.__new__(PlatformClient)  # its constructor asks a running broker for the metadata
        app.issuer, app.client_id, app.key = BASE, client["client_id"], self.key
        now = int(self.town.house.watch().timestamp())
        assertion = app.assertion(iat=now, exp=now + 60, jti=secrets.token_urlsafe(12))
        form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion, "token": "bkr_at_x"}
        return self.town.app.test_client().post("/oauth/introspect", data=form, buffered=True)
