"""Policies over four processes: a bank's change counts for the next call of each, files are changed for all or none."""

import itertools
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from broker.audit.policy_changes import Edit, facts_entry
from broker.audit.vocabulary import Event
from broker.banks import facts as bank_facts
from broker.clock import system_clock
from broker.policy.facts import change
from broker.policy.loading import load_catalogue
from broker.settings import default_policies_dir
from tests.conftest import DATABASES
from tests.support.caller import PATHS, Caller
from tests.support.fleet import Fleet, running_fleet
from tests.support.postgres import PostgresServer
from tests.support.serving import wait_until
from tests.support.spread import processes_behind, spread_lines
from tests.support.wire import Answer, message

PROCESSES = 4
CHANGES = 6
PEOPLE, READS = 40, 24


@dataclass
class Reads:
    """Somebody who shares balances and accounts, and a platform with a token for them."""

    fleet: Fleet
    caller: Caller
    token: str

    def on_every_process(self, category: str = "balances") -> list[Answer]:
        lines = spread_lines(self.fleet, 2 * PROCESSES)
        assert processes_behind(self.fleet, lines) == PROCESSES
        answers = [line.call(self.caller.reading(PATHS[category], self.token)) for line in lines]
        for line in lines:
            line.close()
        return answers


def reads_in(fleet: Fleet) -> Reads:
    caller = fleet.caller()
    grant = fleet.grant(fleet.person(), ("accounts", "balances"), frequency_per_day=24)
    (token,) = fleet.tokens(grant, caller.dpop.thumbprint)
    return Reads(fleet, caller, token)


def edits(fleet: Fleet, **changes: Any) -> None:
    """Change the bank's facts as the console does, from a process of our own."""
    files, bounds = fleet.services.catalogue, fleet.services.catalogue.banks["harbor"]
    with fleet.services.sequencer.transaction(["harbor"]) as transaction:
        session = transaction.session
        before, wished = bank_facts.in_force(session, files, "harbor"), replace(bounds, **changes)
        version = bank_facts.keep(
            session,
            fleet.services.sealer,
            bounds,
            wished,
            after=before.version,
            author="Ada",
            reason="why",
            now=system_clock(),
        )
        after = bank_facts.in_force(session, files, "harbor")
        assert before.bank is not None
        difference, digests = change(before.bank, wished), (before.catalogue.digest, after.catalogue.digest)
        transaction.append(
            facts_entry(Edit("harbor", version, difference, wished, *digests, files.digest, "A", "w"), None)
        )


def _grant(fleet: Fleet) -> str:
    return fleet.grant(fleet.person(), ("balances",), frequency_per_day=READS)


def told(answers: list[Answer]) -> set[tuple[int, str]]:
    return {(answer.status, answer.code) for answer in answers}


@contextmanager
def reading_on(fleet: Fleet) -> Iterator[list[Answer]]:
    """Let two threads read balances as fast as they can meanwhile."""
    answers: list[Answer] = []
    stopping = threading.Event()

    # One person is read only so often a day.
    key = fleet.keys["messenger"]
    callers = [Caller(fleet.base_url, fleet.port, "messenger", key) for _ in range(2)]
    shares = [[_grant(fleet) for _ in range(PEOPLE)] for _ in callers]

    def go_on(caller: Caller, grants: list[str]) -> None:
        for grant in itertools.chain.from_iterable(itertools.repeat(grant, READS) for grant in grants):
            if stopping.is_set():
                return
            (token,) = fleet.tokens(grant, caller.dpop.thumbprint)
            answers.append(caller.read("balances", token))

    threads = [threading.Thread(target=go_on, args=both) for both in zip(callers, shares, strict=True)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: len(answers) > 4, 60)
        yield answers
    finally:
        stopping.set()
        for thread in threads:
            thread.join(30)


@pytest.mark.campaign
@pytest.mark.parametrize("database", DATABASES)
def test_a_change_of_facts_counts_for_the_next_call_on_every_process_and_is_the_line_in_the_log(
    request: pytest.FixtureRequest, tmp_path: Path, database: str
) -> None:
    url = None
    if database == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.new_database()
    with running_fleet(tmp_path, url, workers=PROCESSES) as fleet:
        offered = fleet.services.catalogue.banks["harbor"].categories
        with reading_on(fleet) as under_load:
            for _ in range(CHANGES):
                reads = reads_in(fleet)
                edits(fleet, categories=offered - {"balances"})
                assert told(reads.on_every_process()) == {(403, "category-off")}
                assert {answer.status for answer in reads.on_every_process("accounts")} == {200}
                edits(fleet, categories=offered)
                assert {answer.status for answer in reads.on_every_process()} == {200}
        assert told(under_load) <= {(200, ""), (403, "category-off"), (403, "policy-changed")}
        _check_order(fleet)


def _check_order(fleet: Fleet) -> None:
    """Between a change that takes balances away and the next one, no release of balances stands in the log."""
    digest: str | None = fleet.services.catalogue.digest
    released = 0
    for entry in fleet.log():
        if entry.event is Event.POLICY_CHANGED:
            digest = entry.policy_digest
        elif entry.event is Event.ACCESS_RELEASED:
            assert entry.policy_digest == digest
            released += 1
    assert released > CHANGES


@pytest.mark.campaign
def test_files_are_taken_over_by_every_process_or_by_none(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(default_policies_dir(), tmp_path / "policies"))
    harbor = folder / "banks" / "harbor.yaml"
    shipped = harbor.read_text()
    told_where = {"BROKER_POLICIES_DIR": str(folder), "BROKER_LOG_LEVEL": "INFO"}
    with running_fleet(tmp_path, workers=PROCESSES, **told_where) as fleet:
        reads, output = reads_in(fleet), fleet.server.output
        before = fleet.server.workers()
        harbor.write_text(shipped.replace("[accounts, balances,", "[accounts, balancs,"))
        os.kill(fleet.server.main, signal.SIGHUP)
        wait_until(lambda: "policies.kept" in output.read_text(), 60)
        assert "banks/harbor.yaml:3: categories" in output.read_text()
        assert fleet.server.workers() == before
        assert {answer.status for answer in reads.on_every_process()} == {200}
        assert reads.caller.line.call(message("GET", "/readyz", {})).status == 200

        harbor.write_text(shipped.replace("[accounts, balances,", "[accounts,"))
        os.kill(fleet.server.main, signal.SIGHUP)
        wait_until(lambda: "policies.renewed" in output.read_text(), 60)
        wait_until(lambda: len(set(fleet.server.workers()) - set(before)) == PROCESSES, 60)
        wait_until(lambda: not set(fleet.server.workers()) & set(before), 60)
        reads.caller.line.close()
        assert told(reads.on_every_process()) == {(403, "category-off")}
        assert {answer.status for answer in reads.on_every_process("accounts")} == {200}
        changed = [entry for entry in fleet.log() if entry.event is Event.POLICY_CHANGED][-1]
        assert changed.policy_digest == load_catalogue(folder).digest != fleet.services.catalogue.digest
        later = {entry.policy_digest for entry in fleet.log() if entry.number > changed.number}
        assert later == {changed.policy_digest}
