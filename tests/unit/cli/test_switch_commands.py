"""The operator's switches: off and on by name, always with a reason, never everything by mistake."""

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from structlog.testing import capture_logs

from broker.banks.service import Bank, add
from broker.cli.main import cli
from broker.crypto.keyset import load_keyset
from broker.crypto.sealing import Sealer
from broker.errors import BrokerError
from broker.switches.service import Hand, Switches
from broker.switches.views import Side, Target
from tests.support.core import House
from tests.support.edge import services_of

BASE = "https://broker.example"
WHY = ("--reason", "An incident.")


@pytest.fixture
def operated(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """The house of the broker whose environment the commands find."""
    services_of(house, BASE)
    settings = {"BASE_URL": BASE, "DATABASE_URL": house.store.url, "DATA_DIR": str(house.folder)}
    for name, value in settings.items():
        monkeypatch.setenv(f"BROKER_{name}", value)
    with house.database.write() as session:
        url = "https://harbor.example"
        add(session, Bank("harbor", "Harbor Bank", "fdx", url, url, "broker", "openid"), house.watch())
    return house


def broker(*arguments: str) -> str:
    with capture_logs():  # `broker` itself keeps them off the terminal
        ran = CliRunner().invoke(cli, ["switch", *arguments])
    if isinstance(ran.exception, BrokerError):
        raise ran.exception
    assert ran.exit_code == 0, ran.output
    return ran.output


def test_the_operator_turns_off_and_on_and_lists(operated: House) -> None:
    assert "2 logs say so" in broker("off", "--category", "balances", "--platform", "messenger", *WHY)
    (row,) = json.loads(broker("list", "--json"))
    told = {name: row[name] for name in ("off", "side", "bank", "platform", "category", "by", "reason")}
    assert told == {
        "off": "category",
        "side": "operator",
        "bank": None,
        "platform": "messenger",
        "category": "balances",
        "by": "operator",
        "reason": "An incident.",
    }
    assert "messenger" in broker("list")
    with pytest.raises(BrokerError, match="switch-unchanged"):
        broker("on", "--category", "balances", *WHY)
    broker("on", "--category", "balances", "--platform", "messenger", *WHY)
    assert json.loads(broker("list", "--json")) == []
    assert operated.events().count("switch.on") == 2


def test_one_grant_and_one_log_are_told_in_the_singular(operated: House) -> None:
    operated.approved(("balances",))
    told = broker("off", "--category", "balances", "--bank", "harbor", *WHY)
    assert told == "Turned off. 1 live grant is suspended by it, whole or in part; 1 log says so.\n"
    assert broker("on", "--category", "balances", "--bank", "harbor", *WHY) == "Turned on again; 1 log says so.\n"


def test_everything_is_turned_off_only_by_its_own_name(operated: House) -> None:
    for named in ((), ("--everything", "--bank", "harbor")):
        with pytest.raises(BrokerError, match="invalid-request"):
            broker("off", *named, *WHY)
    assert operated.log() == []
    broker("off", "--everything", *WHY)
    assert json.loads(broker("list", "--json"))[0]["off"] == "everything"


def test_the_operator_sees_a_banks_switch_and_cannot_lift_it(operated: House) -> None:
    # Its name is sealed by the key file of the broker, which a bank's console has too.
    sealer = Sealer(load_keyset(operated.folder / "keys.json").sealing)
    switches = Switches(operated.sequencer, operated.catalogue, sealer, operated.watch)
    switches.turn_off(Hand(Side.BANK, "Ada Admin", "harbor"), Target("harbor"), "Ours.")
    assert json.loads(broker("list", "--json"))[0]["by"] == "Ada Admin"
    with pytest.raises(BrokerError, match="switch-unchanged"):
        broker("on", "--bank", "harbor", *WHY)


def test_a_switch_without_a_reason_is_refused(operated: House) -> None:
    assert CliRunner().invoke(cli, ["switch", "off", "--everything"]).exit_code == 2
    with pytest.raises(BrokerError, match="invalid-request"):
        broker("off", "--everything", "--reason", " ")
    assert operated.log() == []
