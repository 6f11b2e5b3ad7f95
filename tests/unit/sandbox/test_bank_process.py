import json
import stat
import subprocess
import sys
from threading import Event

import bank_world
import pytest
import requests
from bank_world import Client

from broker.sandbox.bank.app import open_bank
from broker.sandbox.bank.config import ConfigError, load_config


def start(file):
    command = [sys.executable, "-m", "broker.sandbox.bank", "--config", str(file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


# One customer: these tests start banks often, and one person's eighteen months are written faster than three's.
MAYA = [{"username": "maya", "password": "pass of maya"}]
DANIEL = [{"username": "daniel", "password": "pass of daniel"}]


def test_a_restarted_bank_keeps_keys_data_and_tokens_but_no_secret_in_clear(tmp_path):
    bank = bank_world.prepare(tmp_path, "fdx", customers=MAYA)
    bank.start()
    client = Client(bank).signs_in("maya")
    claims, accounts, served = client.claims(), client.reads("/accounts").json(), bank.served()
    assert bank.stop() == (0, "")
    assert stat.S_IMODE((tmp_path / "signing.json").stat().st_mode) == 0o600
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("bank.db*"))
    for secret in ("pass of maya", client.tokens["access_token"], client.tokens["refresh_token"]):
        assert secret.encode() not in kept
    bank.start()
    assert client.claims() == claims
    assert client.reads("/accounts").json() == accounts
    assert bank.served()[: len(served)] == served
    assert bank.stop() == (0, "")


def test_somebody_taken_out_of_the_configuration_is_out(tmp_path):
    bank = bank_world.prepare(tmp_path, "fdx", customers=MAYA)
    bank.start()
    client = Client(bank).signs_in("maya")
    bank.stop()
    config = json.loads(bank.config_file.read_text())
    bank.config_file.write_text(json.dumps(config | {"customers": DANIEL}))
    bank.start()
    assert client.reads("/accounts").status_code == 401
    page = client.opens_sign_in(nonce="new")
    assert client.submits(page, username="maya", password="pass of maya").status_code == 400
    refresh = client.posts("/token", grant_type="refresh_token", refresh_token=client.tokens["refresh_token"])
    assert refresh.status_code == 400
    assert bank.stop() == (0, "")


@pytest.mark.parametrize(
    "changes",
    [
        {"standard": "xs2a"},
        {"port": "8411"},
        {"port": 0},
        {"base_url": "http://bank.example"},
        {"base_url": "http://localhost:1/path"},
        {"customers": [{"username": "nobody", "password": "x"}]},
        {"customers": [{"username": "maya"}]},
        {"staff": [{"username": "a", "password": "x", "role": "owner", "name": "A"}]},
        {"clients": [{"client_id": "c", "client_name": "C", "jwks": {}, "redirect_uris": [], "scopes": []}]},
        {
            "clients": [
                {
                    "client_id": "c",
                    "client_name": "C",
                    "jwks": {"keys": [{"kty": "x"}]},
                    "redirect_uris": [],
                    "scopes": [],
                }
            ]
        },
        {"database": "/nowhere/at/all/bank.db"},
        {"signing_key_file": "/nowhere/at/all/keys.json"},
        {"slow_seconds": -1},
        {"name": ""},
    ],
)
def test_a_configuration_that_cannot_work_is_refused_in_one_line(tmp_path, changes):
    file = bank_world.prepare(tmp_path, "fdx", **changes).config_file
    with pytest.raises(ConfigError) as refusal:
        open_bank(load_config(file), Event())
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("content", ["", "[]", "{", "{}"])
def test_a_file_that_is_no_configuration_is_refused(tmp_path, content):
    file = tmp_path / "bank.json"
    file.write_text(content)
    with pytest.raises(ConfigError):
        load_config(file)


def test_a_missing_configuration_is_one_clear_line(tmp_path):
    ended = start(tmp_path / "bank.json")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "No such file" in ended.stderr


def test_a_database_that_cannot_be_written_is_one_clear_line(tmp_path):
    ended = start(bank_world.prepare(tmp_path, "fdx", database="/nowhere/at/all/bank.db").config_file)
    assert (ended.returncode, ended.stderr) == (2, "bank: cannot open the database /nowhere/at/all/bank.db\n")


def test_odd_requests_get_coded_answers_pages_their_headers_and_a_second_bank_one_line(tmp_path):
    with bank_world.running(tmp_path, "fdx") as bank:
        odd = {
            ("GET", "/nothing"): 404,
            ("GET", "/token"): 405,
            ("DELETE", "/sandbox/faults"): 405,
            ("GET", "/fdx/v6/nothing"): 404,
            ("GET", "/open-banking/v4.0/aisp/accounts"): 404,
        }
        for (method, path), status in odd.items():
            assert requests.request(method, bank.url + path, timeout=5).status_code == status
        assert requests.post(f"{bank.url}/token", data={"a": "x" * 100_000}, timeout=5).status_code == 413
        assert requests.get(f"{bank.url}/", headers={"Host": "evil.example"}, timeout=5).status_code == 400
        assert requests.get(bank.url.replace("localhost", "127.0.0.1") + "/healthz", timeout=5).json() == {
            "status": "ok"
        }
        home = requests.get(f"{bank.url}/", timeout=5)
        assert "Harbor Bank" in home.text
        assert home.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert home.headers["X-Content-Type-Options"] == "nosniff"
        second = start(bank.config_file)
        assert (second.returncode, second.stderr) == (2, f"bank: port {bank.url.rsplit(':', 1)[1]} is in use\n")
