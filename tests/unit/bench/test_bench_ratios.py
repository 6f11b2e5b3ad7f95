"""What the benchmark says of the turns that it has seen."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from broker.crypto.digests import canonical_json
from tests.bench.peers import starting as names
from tests.bench.peers.contenders import get
from tests.bench.peers.goals import Found, Goal, goals
from tests.bench.peers.load import Order, run
from tests.bench.peers.measuring import Figures
from tests.bench.peers.report import markdown, plot
from tests.bench.profiling import Samples, sampled

_CALL = names.CALL.format("SQLite")


def turn(per_second: float, **others: Any) -> Figures:
    told = {"p50_ms": 1.0, "p99_ms": 2.0, "cpu_us": 100.0, "database_cpu_us": 0.0, "process_mib": 90.0}
    return Figures(per_second=per_second, failed=0, failures={}, **(told | others))


def goal(found: Found, name: str) -> Goal:
    return next(one for one in goals(found, {}) if one.name.startswith(name))


def test_a_ratio_is_the_median_of_those_of_neighbours_in_time() -> None:
    found = {_CALL: {16: [turn(10), turn(20), turn(30)]}, names.HELLO: {16: [turn(100), turn(100), turn(1_000)]}}
    assert goal(found, f"{_CALL} ÷ {names.HELLO}, c = 16").found == 0.1


@pytest.mark.parametrize(("rate", "is_met"), [(119.0, False), (120.0, True)])
def test_a_goal_is_met_at_its_bound_and_not_below(rate: float, *, is_met: bool) -> None:
    found = {_CALL: {16: [turn(rate)]}, names.HELLO: {16: [turn(1_000)]}}
    assert goal(found, f"{_CALL} ÷ {names.HELLO}, c = 16").is_met is is_met


def test_what_was_not_measured_is_never_met() -> None:
    for one in goals({}, {}):
        assert one.found is None
        assert not one.is_met
        assert "not measured" in one.words()


def test_the_report_tells_the_median_with_the_spread_and_every_failure() -> None:
    rows = {_CALL: {16: [turn(10), turn(30), turn(20)]}}
    rows[_CALL][16][0].failures["503"] = 1
    told = markdown({"machine": "two cores"}, rows, {}, [Goal("a goal", 1.0, 2.0, at_least=True)])
    assert f"| {_CALL} | 16 | 20 (10 to 30) |" in told
    assert "| a goal | ≥ 2 | 1 | **missed** |" in told
    assert "two cores" in told


def test_a_bar_is_as_long_as_the_rate_says() -> None:
    drawn = plot({"one": {16: [turn(50)]}, "two & three": {16: [turn(100)]}})
    assert 'width="290"' in drawn
    assert 'width="580"' in drawn
    assert "two &amp; three: 100" in drawn


class _Answering(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bodies = [(200, b"{}"), (200, b"{}"), (503, b'{"code": "bank-unavailable"}')]  # noqa: RUF012 - never changed

    def do_GET(self) -> None:
        status, body = self.bodies[int(self.path[1:])]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def answering() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answering) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_the_clients_count_good_answers_and_name_the_others() -> None:
    with answering() as port:
        seen = run(Order(port, [[get("/0"), get("/2"), get("/1")], [get("/1")]], seconds=20))
    assert len(seen.latencies) == 3
    assert dict(seen.failures) == {"HTTP/1.1 503 bank-unavailable": 1}
    assert seen.has_run_dry


def test_a_sample_counts_for_the_library_at_work_and_for_the_part_that_asked_for_it() -> None:
    samples, value = Samples(), {"names": ["é"] * 1_000}
    with sampled(samples):
        while samples.asked.total() < 50:
            canonical_json(value)
    assert samples.asked["sealing and digests"] >= 40
    assert samples.did["Python: encoder"] > 0
