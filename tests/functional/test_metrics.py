"""An operator watches a broker of two processes: what has happened stands in the figures, and nothing else does."""

import os
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from broker.metrics.table import TABLE
from tests.support.canaries import forms
from tests.support.exposed import Exposed, exposed
from tests.support.fleet import Fleet, running_fleet
from tests.support.served import free_port, worker_of
from tests.support.serving import wait_until
from tests.support.wire import Line, message

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")


@dataclass(frozen=True)
class Watched:
    fleet: Fleet
    told: Exposed
    grant: str
    token: str
    secrets: tuple[str, ...]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    port = free_port() + 1
    folder = tmp_path_factory.mktemp("watched")
    with running_fleet(folder, workers=2, threads=2, BROKER_METRICS_PORT=str(port)) as fleet:
        person = fleet.person()
        grant, caller = fleet.grant(person, categories=("balances",)), fleet.caller()
        token = fleet.tokens(grant, caller.dpop.thumbprint, ("balances",))[0]
        with exposed(fleet.services.settings, port) as told:
            lines = both_workers(fleet)
            for line in lines:
                caller.line = line
                answer = caller.read("balances", token)
                assert answer.status == 200, answer.body
            assert caller.line.call(caller.reading("/v1/accounts/none/transactions", token)).status in {403, 404}
            refused = caller.read("accounts", token)
            assert (refused.status, refused.code) == (403, "category-not-granted")
            assert caller.line.call(caller.reading(f"/{grant}/{token}", token)).status == 404
            values = re.findall(r"\d+\.\d\d", answer.body.decode())
            yield Watched(fleet, told, grant, token, (grant, token, person.user_id, person.subject, *values))


def both_workers(fleet: Fleet) -> list[Line]:
    """Open lines until each process has one."""
    found: dict[int, Line] = {}
    spare = []
    for _ in range(200):
        line = Line(fleet.port)
        assert line.call(message("GET", "/healthz", {})).status == 200
        pid = worker_of(line, fleet.server.workers(), fleet.port)
        spare.append(line)
        found.setdefault(pid or 0, line)
        if len(found) == 2:
            return list(found.values())
    raise AssertionError("one process took every connection")


def test_what_was_released_and_refused_is_counted_over_both_processes(watched: Watched) -> None:
    told = watched.told
    allowed = {"route": "/v1/accounts/balances", "status": "200", "decision": "allowed"}
    assert told.total("broker_requests_total", **allowed) == 2
    refused = {"route": "/v1/accounts", "status": "403", "decision": "refused", "code": "category-not-granted"}
    assert told.total("broker_requests_total", **refused) == 1
    assert told.total("broker_request_seconds_count", route="/v1/accounts/balances") == 2
    assert told.total("broker_requests_total", route="none", status="404") >= 1


def test_the_log_the_fences_and_the_bank_are_counted_too(watched: Watched) -> None:
    told = watched.told
    entries = told.total("broker_log_batch_entries_sum")
    assert entries >= 5, "two for each release, one for the refusal"
    assert told.total("broker_log_entry_seconds_count") == entries
    batches = told.total("broker_log_batch_entries_count")
    assert told.total("broker_log_commit_seconds_count") == told.total("broker_log_lock_seconds_count") == batches
    assert told.total("broker_log_entries_waiting") == 0
    assert told.total("broker_fence_seconds_count", hold="shared", outcome="held") >= 2
    assert told.total("broker_bank_seconds_count", bank="harbor", outcome="answered") >= 2
    wait_until(lambda: told.total("broker_requests_in_hand") == 0)


def test_the_backlog_is_read_from_the_database(watched: Watched) -> None:
    told = watched.told
    assert told.total("broker_database_up") == 1
    assert told.total("broker_checkpoint_age_seconds", log="harbor") > 0
    names = {name for name, _, _ in told.samples()}
    assert {"broker_events_waiting", "broker_events_lag_seconds", "broker_events_dead"} <= names


def test_only_metrics_of_the_table_are_told_under_names_of_short_lists(watched: Watched) -> None:
    ends = "(_bucket|_sum|_count)?"
    known = {metric.name: set(metric.labels) for metric in TABLE}
    for name, labels, _ in watched.told.samples():
        base = next(one for one in known if re.fullmatch(one + ends, name))
        assert set(labels) - {"le"} == known[base], name
        assert not any(_UUID.search(value) for value in labels.values()), labels


def test_no_id_no_secret_and_no_value_of_the_bank_stands_in_the_figures_or_their_files(watched: Watched) -> None:
    folder = watched.fleet.services.settings.data_dir / "metrics"
    kept = b"".join(file.read_bytes() for file in folder.iterdir()) + watched.told.get()[1].encode()
    assert b"/v1/accounts/balances" in kept
    assert len(watched.secrets) > 4, "figures of the bank are among them"
    assert [secret for secret in watched.secrets for form in forms(secret).values() if form in kept] == []
    assert folder.stat().st_mode & 0o077 == 0


def test_the_public_port_tells_no_figures_and_the_other_one_nothing_else(watched: Watched) -> None:
    answer = Line(watched.fleet.port).call(message("GET", "/metrics", {}))
    assert answer.status == 404
    assert b"broker_" not in answer.body
    assert watched.told.get("/")[0] == watched.told.get("/v1/accounts/balances")[0] == 404
    assert watched.told.get(host="a-page-of-others.example")[0] == 404, "a name led here by its owner"


def test_what_a_killed_process_has_counted_stays(watched: Watched) -> None:
    before = watched.told.total("broker_requests_total", route="/v1/accounts/balances")
    killed = watched.fleet.server.workers()[0]
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: killed not in watched.fleet.server.workers() and len(watched.fleet.server.workers()) == 2)
    assert watched.told.total("broker_requests_total", route="/v1/accounts/balances") == before
    files = watched.fleet.services.settings.data_dir / "metrics"
    wait_until(lambda: not (files / f"gauge_livesum_{killed}.db").exists())
