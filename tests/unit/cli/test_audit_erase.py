"""`broker audit erase`: finds the customer by the bank's word, asks once, says what was done."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from broker.app import build_services
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.cli.audit import audit
from broker.clock import system_clock
from broker.crypto.keyset import generate_keyset
from broker.errors import NotFound
from broker.settings import load_settings
from tests.support.stores import Store


@pytest.fixture
def broker(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker whose log knows one customer of one bank."""
    for name, value in (("DATABASE_URL", store.url), ("BASE_URL", "https://broker.example"), ("DATA_DIR", tmp_path)):
        monkeypatch.setenv(f"BROKER_{name}", str(value))
    generate_keyset(load_settings().key_file, system_clock())
    base = build_services(load_settings())
    with base.database.write() as session:
        who = base.users.sign_in(
            session, bank_id="harbor", subject="hb-1", name="Maya", credential=None, now=base.clock()
        )
    listed = Entry(Event.ACCOUNTS_LISTED, Initiator.INDIVIDUAL, "harbor", who.user_id, details={"customer": "hb-1"})
    base.sequencer.append(listed)
    base.close()


def erase(*options: str, typed: str = "") -> Result:
    return CliRunner().invoke(audit, ["erase", "--bank", "harbor", *options], input=typed)


def details(store: Store) -> int:
    return len(store.rows("SELECT sealed FROM audit_details"))


@pytest.mark.usefixtures("broker")
def test_it_asks_before_it_erases_and_says_what_it_did(store: Store) -> None:
    refused = erase("--customer", "hb-1", typed="n\n")
    assert (refused.exit_code, details(store)) == (1, 1)
    assert "ends 0 live permission(s)" in refused.output
    done = erase("--customer", "hb-1", typed="y\n")
    assert (done.exit_code, details(store)) == (0, 0)
    assert "Erased the details of 1 entry; number 1 in" in done.output
    assert "broker.example/audit/harbor/" in done.output
    assert store.rows("SELECT event FROM audit_entries ORDER BY number") == [("accounts.listed",), ("details.erased",)]


@pytest.mark.usefixtures("broker")
def test_whoever_is_unknown_or_erased_is_refused(store: Store) -> None:
    assert erase("--customer", "hb-1", "--yes").exit_code == 0
    for customer in ("hb-1", "hb-2", ""):
        assert isinstance(erase("--customer", customer, "--yes").exception, NotFound)
    assert len(store.rows("SELECT number FROM audit_entries")) == 2
