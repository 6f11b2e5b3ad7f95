"""What the sandbox tells outsiders of the broker's logs: its banks, and programs that read the info document."""

import base64
from pathlib import Path
from threading import Event

import pytest

from broker.app import build_services
from broker.audit.log_keys import LogKeys
from broker.audit.vocabulary import Entry, Initiator
from broker.audit.vocabulary import Event as Logged
from broker.clock import system_clock
from broker.crypto.keyset import generate_keyset, load_keyset
from broker.sandbox.bank.app import open_bank
from broker.sandbox.bank.config import load_config
from broker.sandbox.layout import CLIENTS, layout_of
from broker.sandbox.logs import current_logs
from broker.sandbox.outsiders import BrokerKeys, write_bank
from broker.sandbox.secret_files import public_jwks
from broker.settings import Settings
from broker.storage import schema
from broker.storage.engine import Database
from broker.tlog.note import Ed25519Verifier
from broker.tlog.receipt import verify_receipt
from tests.support.sandbox_settings import sandbox_settings

BASE = "http://localhost:8400"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = sandbox_settings(tmp_path, base_url=BASE)
    generate_keyset(made.key_file, system_clock())
    return made


def test_the_sandboxs_banks_ask_for_receipts_and_know_whose_to_believe(settings: Settings) -> None:
    layout, keyset = layout_of(settings), load_keyset(settings.key_file)
    public_jwks(layout, CLIENTS)  # makes the banks' own keys
    for bank in layout.banks:
        vkeys = LogKeys(keyset.log).vkeys(f"{settings.base_host}/audit/{bank.id}/2026")
        config = load_config(write_bank(layout, bank, [], BrokerKeys(keyset.public_jwks(), vkeys)))
        assert config.receipts is not None
        assert config.receipts.clock_file == settings.data_dir / "clock.json"
        opened = open_bank(config, Event())
        assert opened.trusted_log is not None
        opened.sessions.kw["bind"].dispose()


def test_the_document_names_the_current_logs_and_the_keys_that_verify_them(settings: Settings) -> None:
    schema.upgrade(Database(settings.database_url))
    services = build_services(settings)
    entry = Entry(Logged.BANK_REGISTERED, Initiator.DATA_ACCESS_PLATFORM, bank_id="harbor")
    placed = services.sequencer.append(entry)
    services.close()
    told = current_logs(settings)
    assert set(told) == {"harbor"}
    assert told["harbor"]["origin"] == placed.log
    assert told["harbor"]["url"] == f"{BASE}/audit/harbor/{placed.log.rpartition('/')[2]}"
    assert told["harbor"]["vkeys"][0] == told["harbor"]["vkey"]
    keys = [Ed25519Verifier.of_vkey(vkey) for vkey in told["harbor"]["vkeys"]]
    assert verify_receipt(placed.receipt, keys, origin=placed.log).index == placed.number
    assert len(base64.urlsafe_b64encode(placed.receipt)) < 4096
