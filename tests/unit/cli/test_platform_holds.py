"""The operator sees who is held, and lets them go on with a reason; the bank sees it on its console."""

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from structlog.testing import capture_logs

from broker.cli.doctor import holds as examination
from broker.cli.doctor.finding import Level
from broker.cli.main import cli
from broker.errors import NotFound
from broker.harvest.holds import holds, place
from broker.harvest.tallies import Reading
from broker.policy.harvest import Budget, Counter, Room, Span
from tests.support.core import House
from tests.support.edge import services_of

BASE = "https://broker.example"


@pytest.fixture
def house_that_holds(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    services_of(house, BASE)
    settings = {"BASE_URL": BASE, "DATABASE_URL": house.store.url, "DATA_DIR": str(house.folder)}
    for name, value in settings.items():
        monkeypatch.setenv(f"BROKER_{name}", value)
    reading = Reading("messenger", "balances", "harbor", "user-1", house.watch(), house.watch())
    with capture_logs():
        place(house.sequencer, Room(Budget(Counter.AFTER_A_MONTH, Span.DAY, 15, 60), 15, 15), reading)
    return house


def broker(*arguments: str) -> str:
    with capture_logs():
        answer = CliRunner().invoke(cli, arguments)
    if answer.exception is not None:
        raise answer.exception
    return answer.output


def test_a_hold_is_listed_found_by_doctor_and_ended_with_a_reason(house_that_holds: House) -> None:
    house = house_that_holds
    (held,) = json.loads(broker("platform", "holds", "--json"))
    assert held == {
        "platform": "messenger",
        "category": "balances",
        "since": "2026-11-22T12:00:00Z",
        "budget": "after_a_month-day",
        "counted": 15,
        "ceiling": 15,
    }
    assert "after_a_month-day" in broker("platform", "holds")
    (finding,) = examination.findings(house.database)
    assert finding.level is Level.ERROR
    assert "broker platform unhold messenger --category balances" in (finding.mend or "")
    with pytest.raises(NotFound):
        broker("platform", "unhold", "messenger", "--category", "accounts", "--reason", "a feature")
    assert "gets balances again" in broker(
        "platform", "unhold", "messenger", "--category", "balances", "--reason", "a feature"
    )
    (finding,) = examination.findings(house.database)
    assert finding.level is Level.OK
    with house.database.read() as session:
        assert holds(session) == []
    assert json.loads(broker("platform", "holds", "--json")) == []
