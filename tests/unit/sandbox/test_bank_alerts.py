"""A sandbox bank raises an alert on command: for its own customers, from no other site, and says what came of it."""

import json
from threading import Event

import bank_world
import pytest
from joserfc.jwk import ECKey

from broker.sandbox.bank.app import create_app, open_bank
from broker.sandbox.bank.config import ConfigError, load_config

NOBODY = {"issuer": "http://localhost:9", "client_id": "harbor-bank"}


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "own.jwk.json"
    path.write_text(json.dumps(ECKey.generate_key("P-256", {"kid": "1"}).as_dict(private=True)), encoding="utf-8")
    return path


def opened(folder, **changes):
    return open_bank(load_config(bank_world.prepare(folder, "fdx", **changes).config_file), Event())


def posts(bank, said, **headers):
    answer = create_app(bank).test_client().post("/sandbox/fraud-alerts", data=said, headers=headers)
    bank.sessions.kw["bind"].dispose()
    return answer.status_code


def test_a_bank_without_a_broker_raises_none(tmp_path):
    assert posts(opened(tmp_path), {"username": "maya"}) == 400


@pytest.mark.parametrize(
    ("said", "headers", "status"),
    [
        ({"username": "maya"}, {"Sec-Fetch-Site": "cross-site"}, 403),
        ({"username": "maya", "subject": "somebody else"}, {}, 400),
        ({"username": "nobody"}, {}, 404),
        ({"username": "ada"}, {}, 404),
        ({}, {}, 404),
        ({"username": "maya"}, {}, 502),
    ],
    ids=["another site", "unknown field", "unknown person", "staff", "nobody", "no broker there"],
)
def test_what_cannot_be_done_is_said(tmp_path, key_file, said, headers, status):
    assert posts(opened(tmp_path, broker={**NOBODY, "key_file": str(key_file)}), said, **headers) == status


@pytest.mark.parametrize(
    "broker", [[], {**NOBODY}, {**NOBODY, "key_file": "/nowhere"}, {**NOBODY, "issuer": "http://other.example"}]
)
def test_a_broker_that_cannot_be_used_stops_the_start(tmp_path, broker):
    with pytest.raises(ConfigError):
        opened(tmp_path, broker=broker)
