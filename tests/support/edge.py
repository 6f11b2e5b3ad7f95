"""The broker's application around a small house, and an app of a platform that proves its key."""

import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from broker.alerts.service import Alerts
from broker.app import build_client_keys, create_app
from broker.crypto.digests import base64url, digest
from broker.crypto.keyset import generate_keyset, load_keyset
from broker.crypto.signing_keys import SigningKeyFile
from broker.edge.services import Services
from broker.edge.visitor import Visitor, browser_id, sign_in, sign_out, visitor, wish_of
from broker.grants.closing import Closing
from broker.grants.extensions import Extensions
from broker.grants.linking import Linking
from broker.grants.narrowing import Narrowing
from broker.notices.addresses import Addresses
from broker.release import OwnReceipts
from broker.settings import Settings
from broker.switches.service import Switches
from broker.tokens.lasting import lengthen
from broker.tokens.service import issue_access
from broker.users.passkeys import Passkeys
from tests.support.core import DATA, LOG_KEYS, House
from tests.support.presence import PRESENT
from tests.support.reading import ReadingClient
from tests.support.sandbox_settings import sandbox_settings

BASE = "http://localhost:8400"


def settings_of(folder: Path, base_url: str = BASE) -> Settings:
    return sandbox_settings(folder, base_url=base_url, request_max_bytes=1_000)


def services_of(house: House, base_url: str = BASE) -> Services:
    settings = settings_of(house.folder, base_url)
    if not settings.key_file.exists():
        generate_keyset(settings.key_file, house.watch())
    nothing: Any = None
    return Services(
        settings=settings,
        clock=house.watch,
        wall=house.watch,
        keyset=load_keyset(settings.key_file),
        sealer=house.sealer,
        database=house.database,
        log_keys=LOG_KEYS,
        sequencer=house.sequencer,
        fences=house.fences,
        catalogue=house.catalogue,
        users=house.users,
        passkeys=Passkeys(house.sealer),
        grants=house.grants,
        consents=house.consents,
        amendments=house.amendments,
        extensions=Extensions(
            house.sequencer, house.fences, house.catalogue, house.sealer, house.watch, lengthen=lengthen
        ),
        narrowing=Narrowing(house.sequencer, house.fences, house.catalogue, house.sealer, house.watch),
        linking=Linking(house.sequencer, house.fences, house.watch),
        closing=Closing(house.sequencer, house.fences, house.users, Passkeys(house.sealer), house.watch),
        deletions=house.deletions,
        grant_reader=house.reader,
        switches=Switches(house.sequencer, house.catalogue, house.sealer, house.watch),
        release=house.release,
        alerts=Alerts(house.release, house.sealer, house.watch),
        own_receipts=OwnReceipts(house.database, house.reader, house.watch),
        bank_session=lambda _: nothing,
        client_keys=build_client_keys(settings),
        addresses=Addresses(house.sealer),
        mailing=None,
        signing=SigningKeyFile(settings.key_file),
    )


def app_of(house: House, base_url: str = BASE) -> Flask:
    """Return the product's application with a few more addresses: sessions to play with, errors to raise."""
    app = create_app(services_of(house, base_url))
    app.test_client_class = ReadingClient

    def enter(bank: str, role: str) -> dict[str, Any]:
        sign_in(
            Visitor(bank, "Alice", "" if role != "person" else house.alice.user_id, None if role == "person" else role)
        )
        return whoami()

    def leave() -> dict[str, Any]:
        sign_out()
        return {}

    def whoami() -> dict[str, Any]:
        found = visitor()
        return {"visitor": found and [found.bank_id, found.user_id, found.role], "browser": browser_id()}

    def wish(name: str) -> dict[str, Any]:
        kept = wish_of(name)
        return {"path": kept and kept.path}

    app.add_url_rule("/t/enter/<bank>/<role>", "t_enter", enter)
    app.add_url_rule("/t/leave", "t_leave", leave)
    app.add_url_rule("/t/whoami", "t_whoami", whoami)
    app.add_url_rule("/t/wish/<name>", "t_wish", wish)
    return app


@dataclass
class Platform:
    """A platform that holds an access token bound to its key."""

    house: House
    http: FlaskClient
    grant_id: str
    categories: tuple[str, ...] = DATA
    platform_id: str = "messenger"
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"))
    token: str = ""
    presence: dict[str, str] = field(default_factory=lambda: dict(PRESENT))

    def __post_init__(self) -> None:
        with self.house.database.write() as session:
            self.token, _ = issue_access(
                session,
                grant_id=self.grant_id,
                platform_id=self.platform_id,
                jkt=self.key.thumbprint(),
                categories=self.categories,
                grant_expires_at=self.house.grant(self.grant_id).expires_at,
                now=self.house.watch(),
            )

    def proof(self, path: str, *, method: str = "GET", key: ECKey | None = None, **claims: Any) -> str:
        signer = key or self.key
        body = {
            "jti": secrets.token_urlsafe(12),
            "htm": method,
            "htu": BASE + path,
            "iat": int(self.house.watch().timestamp()),
            "ath": base64url(digest(self.token)),
            **claims,
        }
        header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": signer.as_dict(private=False)}
        return jwt.encode(header, body, signer, algorithms=["ES256"])

    def get(self, path: str, query: str = "", *, proof: str | None = None, **headers: str) -> TestResponse:
        given = {"Authorization": f"DPoP {self.token}", "DPoP": proof or self.proof(path), **self.presence, **headers}
        return self.http.get(path + query, headers=given)

    def post(self, path: str, body: Any, *, query: str = "", **headers: str) -> TestResponse:
        """Send a body: bytes as they are, anything else as JSON."""
        given = {"Authorization": f"DPoP {self.token}", "DPoP": self.proof(path, method="POST")}
        given |= {"Content-Type": "application/json", **headers}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.http.post(path + query, data=data, headers=given)


def problem(response: TestResponse) -> tuple[int, str]:
    """Return status and code of a problem+json answer."""
    assert response.content_type == "application/problem+json", response.text
    body = json.loads(response.text)
    assert body["status"] == response.status_code
    assert body["instance"] == f"urn:uuid:{response.headers['x-fapi-interaction-id']}"
    return response.status_code, body["code"]
