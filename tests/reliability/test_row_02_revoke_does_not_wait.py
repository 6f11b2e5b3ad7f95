"""Row 2: a revoke answers quickly while a bank hangs under many readers, and no data leaves after its answer."""

import random
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import quantiles

import pytest

from tests.conftest import DATABASES
from tests.support.caller import Caller
from tests.support.fleet import ROOT, Fleet, running_fleet
from tests.support.held import Share, held_readers, shares_of
from tests.support.planted import planted
from tests.support.postgres import PostgresServer
from tests.support.sending import Sending
from tests.support.sizes import Size
from tests.support.systemcalls import strace, system_calls, threads_of
from tests.support.wire import Answer, LineBroken

READERS = 50
HANG_S = 10.0
P99_S, MOST_S = 0.3, 2.0
_HAND_OVER = "broker/edge/hand_over.py"
_APP = "            answer = self._app(environ, start_response)\n"
_SLOWLY = (_APP, f'{_APP}            __import__("time").sleep(0.1 if environ["PATH_INFO"].startswith("/v1") else 0)\n')
_FETCH = "            records = self.fetched(grant, wanted, allowed, access.window)\n"
_FETCH_UNDER_LOCK = (
    "            with self.sequencer.transaction([grant.bank_id]):\n"
    "                records = self.fetched(grant, wanted, allowed, access.window)\n"
)


def revoke_times(fleet: Fleet, count: int) -> list[float]:
    """Let a bank hang under its readers, revoke grants whose calls are under way, return how long each took (s)."""
    times = []
    shares = shares_of(fleet, READERS, 1 + -(-count // READERS))
    fleet.banks["harbor"].behaves(hang_s=HANG_S)
    with held_readers(fleet, shares) as held:
        for _ in range(count):
            share = held.under_way.get(timeout=60)
            answer = share.sharer.acts("revoke", share.grant)
            assert answer.status == 303, answer.body
            times.append((answer.returned_ns - answer.called_ns) / 1e9)
        assert 200 not in held.statuses  # the bank never answers in time, so nothing is released
    return times


@pytest.mark.measured
def test_a_revoke_does_not_wait_for_a_bank_that_hangs(fleet: Fleet, size: Size) -> None:
    times = revoke_times(fleet, size.of(test=12, campaign=300))

    assert max(times) <= MOST_S
    if size.name != "test":  # a dozen has no percentile
        assert quantiles(times, n=100)[-1] <= P99_S


@pytest.mark.control
@pytest.mark.campaign
def test_a_fetch_under_the_lock_of_the_log_is_found(tmp_path: Path) -> None:
    code = planted(tmp_path / "code", "broker/release/service.py", _FETCH, _FETCH_UNDER_LOCK)
    data = tmp_path / "data"
    data.mkdir()
    with running_fleet(data, code=code) as broken:
        shares = shares_of(broken, 4, 1)
        broken.banks["harbor"].behaves(hang_s=HANG_S)
        with held_readers(broken, shares) as held:
            share = held.under_way.get(timeout=60)
            while not broken.banks["harbor"].served():
                time.sleep(0.01)
            assert not _is_done_in_time(share)


def _is_done_in_time(share: Share) -> bool:
    """Revoke, and say whether it was answered as done within the bound; who gives up waiting has not been answered."""
    try:
        answer = share.sharer.acts("revoke", share.grant)
    except LineBroken:
        return False
    return answer.status == 303 and answer.returned_ns - answer.called_ns <= MOST_S * 1e9


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    if request.param == "sqlite":
        yield None
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    yield server.new_database()


@pytest.mark.campaign
def test_no_byte_of_data_is_sent_after_the_answer_to_a_revoke(
    tmp_path: Path, database_url: str | None, size: Size
) -> None:
    assert sent_late(tmp_path, ROOT, database_url, size.of(test=5, campaign=150)) == []


@pytest.mark.control
@pytest.mark.campaign
def test_bytes_that_no_fence_holds_back_are_seen_in_the_trace(tmp_path: Path) -> None:
    code = planted(tmp_path / "code", _HAND_OVER, "    stack.callback(held.drop)\n", "    held.drop()\n    del stack\n")
    planted(code, _HAND_OVER, *_SLOWLY)
    assert sent_late(tmp_path, code, None, 10) != []


@pytest.mark.control
@pytest.mark.campaign
def test_a_slow_hand_over_alone_is_held_back_by_the_fence(tmp_path: Path) -> None:
    code = planted(tmp_path / "code", _HAND_OVER, *_SLOWLY)
    assert sent_late(tmp_path, code, None, 10) == []


def sent_late(folder: Path, code: Path, database_url: str | None, rounds: int) -> list[str]:
    """Revoke under reads so often on a traced fleet; return the calls of which bytes left after a revoke's answer."""
    data, traces = folder / "data", folder / "traces"
    data.mkdir()
    with running_fleet(data, database_url, code=code, prefix=strace(traces)) as fleet:
        races = [revoke_under_reads(fleet, seed) for seed in range(rounds)]
        processes = threads_of(fleet.server.workers())
        ports = {"port": fleet.port, "bank_port": fleet.banks["harbor"].port}
    sending = Sending(system_calls(traces, processes), processes, **ports)
    assert sum(len(released) for _, released in races) > rounds
    return [late for race in races for late in sent_after_revoke(sending, *race)]


def revoke_under_reads(fleet: Fleet, seed: int) -> tuple[Answer, list[str]]:
    """Revoke a grant while machines read under it; return the answer and the ids of the calls that got data."""
    person, chance = fleet.person(), random.Random(seed)
    grant = fleet.grant(person, ("balances",))
    callers = [fleet.caller() for _ in range(4)]
    tokens = [fleet.tokens(grant, caller.dpop.thumbprint, ("balances",))[0] for caller in callers]
    sharer = fleet.sharer(person)

    def read(caller: Caller, token: str) -> list[str]:
        released = []
        while (answer := caller.read("balances", token, name := str(uuid.uuid4()))).status == 200:
            released.append(name)
        assert answer.code == "grant-revoked", answer.body
        return released

    with ThreadPoolExecutor(len(callers)) as pool:
        running = [pool.submit(read, caller, token) for caller, token in zip(callers, tokens, strict=True)]
        time.sleep(0.1 + chance.random() * 0.2)
        revoked = sharer.acts("revoke", grant)
        assert revoked.status == 303
        return revoked, [name for reader in running for name in reader.result(60)]


def sent_after_revoke(sending: Sending, revoked: Answer, released: list[str]) -> list[str]:
    """Return the calls of which a byte was handed to the transport after the revoke's answer had begun to leave."""
    acknowledged = sending.answer(revoked.headers["x-fapi-interaction-id"])[0].started
    assert [name for name in released if not sending.answer(name)] == []
    return [name for name in released if sending.answer(name)[-1].ended > acknowledged]
