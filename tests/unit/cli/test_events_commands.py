"""The operator sees who is told of events and what was given up, sends it again, and is warned by doctor."""

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from structlog.testing import capture_logs

from broker.cli.doctor import events as examination
from broker.cli.doctor.finding import Level
from broker.cli.main import cli
from broker.errors import InvalidRequest, NotFound
from tests.support.announced import stream
from tests.support.core import House
from tests.support.edge import services_of

BASE = "https://broker.example"


@pytest.fixture
def operated(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    services_of(house, BASE)
    settings = {"BASE_URL": BASE, "DATABASE_URL": house.store.url, "DATA_DIR": str(house.folder)}
    for name, value in settings.items():
        monkeypatch.setenv(f"BROKER_{name}", value)
    stream(house)
    return house


def broker(*arguments: str) -> str:
    with capture_logs():
        answer = CliRunner().invoke(cli, arguments)
    if answer.exception is not None:
        raise answer.exception
    return answer.output


def test_what_was_given_up_is_listed_and_sent_again(operated: House) -> None:
    grants = {operated.approved(), operated.approved()}
    operated.runs("UPDATE event_deliveries SET state = 'dead', error = 'invalid_key: no', attempts = 8")
    told = json.loads(broker("events", "dead", "--json"))
    assert {one["grant_id"] for one in told} == grants
    assert {(one["event"], one["error"], one["attempts"]) for one in told} == {("approved", "invalid_key: no", 8)}
    assert "invalid_key: no" in broker("events", "dead", "--receiver", "messenger")
    assert json.loads(broker("events", "dead", "--receiver", "rival", "--json")) == []
    assert "1 event will be sent again" in broker("events", "replay", told[0]["jti"])
    assert json.loads(broker("events", "replay", "--all", "--json")) == {"replayed": 1}
    assert json.loads(broker("events", "dead", "--json")) == []


def test_what_is_no_dead_letter_is_not_sent_again(operated: House) -> None:
    operated.approved()
    (waiting,) = operated.store.rows("SELECT jti FROM event_deliveries")[0]
    for arguments, refusal in (((waiting,), NotFound), (("nothing",), NotFound), ((), InvalidRequest)):
        with pytest.raises(refusal):
            broker("events", "replay", *arguments)
    with pytest.raises(InvalidRequest):
        broker("events", "replay", waiting, "--all")


def test_the_streams_are_listed_with_what_waits(operated: House) -> None:
    operated.approved()
    (told,) = json.loads(broker("events", "streams", "--json"))
    assert (told["receiver"], told["method"], told["status"]) == ("messenger", "8936", "enabled")
    assert (told["waiting"], told["dead"], told["failures"]) == (1, 0, 0)
    assert "messenger" in broker("events", "streams")


def test_doctor_tells_of_what_waits_too_long_and_of_what_was_given_up(operated: House) -> None:
    (fine,) = examination.findings(operated.database, operated.watch())
    assert fine.level is Level.OK
    operated.approved()
    operated.watch.passes(minutes=4)
    assert [one.level for one in examination.findings(operated.database, operated.watch())] == [Level.OK]
    operated.watch.passes(minutes=2)
    (late,) = examination.findings(operated.database, operated.watch())
    assert (late.level, "1 event to messenger waiting since 2026-11-22T12:00:00Z" in late.found) == (Level.WARN, True)
    operated.runs("UPDATE event_deliveries SET state = 'dead'")
    (dead,) = examination.findings(operated.database, operated.watch())
    assert "1 event to messenger given up" in dead.found
