"""The commands that rotate the key by which clients know the broker; the served key set follows at once."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask

from broker.app import build_services, create_app
from broker.cli.main import cli
from broker.clock import system_clock
from broker.crypto import signing_keys
from broker.crypto.signing_keys import AHEAD
from broker.errors import ConfigurationInvalid
from broker.settings import load_settings


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flask:
    monkeypatch.setenv("BROKER_BASE_URL", "https://broker.example")
    monkeypatch.setenv("BROKER_DATA_DIR", str(tmp_path))
    assert CliRunner().invoke(cli, ["keys", "generate"]).exit_code == 0
    return create_app(build_services(load_settings()))


def published(app: Flask) -> list[dict[str, Any]]:
    answer = app.test_client().get("/.well-known/jwks.json")
    assert (answer.status_code, answer.content_type) == (200, "application/jwk-set+json")
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert answer.json is not None
    return list(answer.json["keys"])


def test_the_served_key_set_follows_a_rotation_without_a_restart(app: Flask) -> None:
    (old,) = published(app)
    told = CliRunner().invoke(cli, ["keys", "signing-rotate"])
    assert told.exit_code == 0, told.output
    assert "published, and signs from" in told.output
    new, beside = published(app)
    assert (beside, new["kid"] != old["kid"]) == (old, True)
    assert not {"d", "p", "q", "k"} & {*new, *old}
    early = CliRunner().invoke(cli, ["keys", "signing-retire"])
    assert isinstance(early.exception, ConfigurationInvalid)
    assert early.exception.code == "keys-rotating"
    assert published(app) == [new, beside]
    # What the command does half an hour later.
    signing_keys.end_last(load_settings().key_file, system_clock() + 2 * AHEAD + timedelta(seconds=1))
    assert published(app) == [new]


def test_a_key_file_that_lacks_nothing_is_left_as_it_is(app: Flask) -> None:
    before = published(app)
    told = CliRunner().invoke(cli, ["keys", "upgrade"])
    assert "Nothing to do" in told.output
    assert published(app) == before
