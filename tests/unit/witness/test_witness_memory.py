"""A witness never forgets what it has cosigned: not between processes, not when it dies at the worst moment."""

import http.client
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from broker.errors import ConfigurationInvalid
from broker.tlog.witness import read_size
from broker.witness.heads import Heads
from broker.witness.key import generate_key, load_key
from broker.witness.known_logs import load_logs
from tests.support.small_logs import SmallLog
from tests.support.waiting import until
from tests.support.witnesses import CODE, NAME, WitnessProcess, asked, new_witness, served

_DYING = """
import os, signal, sys
from pathlib import Path
from broker.clock import system_clock
from broker.witness.heads import Heads, Slot
from broker.witness.key import load_key
from broker.witness.known_logs import load_logs
from broker.witness.server import WitnessServer
from broker.witness.service import Witness

class Dying(Slot):
    def replace(self, note):
        if sys.argv[3] == "after":
            super().replace(note)
        os.kill(os.getpid(), signal.SIGKILL)

class DyingHeads(Heads):
    def held(self, origin):
        from contextlib import contextmanager
        @contextmanager
        def held():
            with Heads.held(self, origin) as slot:
                yield Dying(slot.folder, slot.name, slot.head)
        return held()

folder = Path(sys.argv[1])
heads = DyingHeads(folder / "heads")
heads.prepare()
witness = Witness(load_key(folder / "key.json"), load_logs(folder / "logs.txt"), heads, system_clock)
server = WitnessServer(("127.0.0.1", 0), witness, lambda reply: None)
print(server.server_port, flush=True)
server.serve_forever()
"""


def size_known(port: int, log: SmallLog) -> int:
    """Ask with an old size that is certainly wrong, or right only when nothing was ever cosigned."""
    answer = asked(port, log.request(1, 1))
    return read_size(answer.body) if answer.status == 409 else 1


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_witness_that_dies_while_storing_has_told_nobody(tmp_path: Path, moment: str) -> None:
    log = SmallLog("broker.example/audit/harbor/2026", 20)
    new_witness(tmp_path, f"log {log.signer.vkey}")
    with served(tmp_path) as server:
        assert asked(server.server_port, log.request(0, 5)).status == 200
    command = [sys.executable, "-P", "-c", _DYING, str(tmp_path), "x", moment]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(CODE)}) as dying:
        assert dying.stdout is not None
        port = int(dying.stdout.readline())
        told = None
        try:
            told = asked(port, log.request(5, 12))
        except (OSError, http.client.HTTPException):
            until(lambda: dying.poll() is not None)
        assert dying.wait(20) == -signal.SIGKILL
    assert told is None
    with served(tmp_path) as server:
        assert size_known(server.server_port, log) == (5 if moment == "before" else 12)


def test_the_look_at_the_old_head_and_the_writing_of_the_new_are_one_step(tmp_path: Path) -> None:
    log = SmallLog("broker.example/audit/harbor/2026", 20)
    cosigner = new_witness(tmp_path, f"log {log.signer.vkey}")
    heads, answers = Heads(tmp_path / "heads"), []
    with served(tmp_path) as server:
        assert asked(server.server_port, log.request(0, 5)).status == 200
        # As another process of this witness would: it has looked, and has not written yet.
        with heads.held(log.origin) as slot:
            late = threading.Thread(target=lambda: answers.append(asked(server.server_port, log.request(5, 8))))
            late.start()
            late.join(0.3)
            assert answers == []
            note = log.checkpoint(12)
            slot.replace(note + cosigner.cosign(note.partition(b"\n\n")[0] + b"\n", 1_800_000_000))
        late.join(20)
    assert [(answer.status, answer.body) for answer in answers] == [(409, b"12\n")]


def test_two_processes_on_one_folder_never_roll_back(tmp_path: Path) -> None:
    log = SmallLog("broker.example/audit/harbor/2026", 40)
    new_witness(tmp_path, f"log {log.signer.vkey}")
    witnesses = [WitnessProcess(tmp_path), WitnessProcess(tmp_path)]
    fork = log.fork(common=0, size=40)
    cosigned: list[tuple[int, str]] = []
    lock = threading.Lock()
    deadline = time.monotonic() + 60

    def contend(port: int, own: SmallLog, name: str) -> None:
        known = 0
        while known < 40 and time.monotonic() < deadline:
            size = min(40, known + random.randint(1, 4))
            answer = asked(port, own.request(known, size))
            if answer.status == 200:
                with lock:
                    cosigned.append((size, name))
                known = size
            elif answer.status == 409:
                if (known := read_size(answer.body)) > 40:
                    raise AssertionError(known)
            else:
                assert answer.status == 422, answer
                return

    sides = [("honest", log), ("fork", fork)]
    threads = [
        threading.Thread(target=contend, args=(witness.port, own, name))
        for witness in witnesses
        for name, own in sides
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for witness in witnesses:
        assert witness.stop() == 0
    # Whoever came first has the log; nothing of the other was ever cosigned, and no size is told twice as progress.
    assert len({name for _, name in cosigned}) == 1
    sizes = [size for size, _ in cosigned]
    assert max(sizes) == 40
    assert len(sizes) == len(set(sizes))


def test_a_witness_killed_again_and_again_remembers_everything_that_it_told(tmp_path: Path) -> None:
    log = SmallLog("broker.example/audit/harbor/2026", 400)
    new_witness(tmp_path, f"log {log.signer.vkey}")
    told = 0
    witness = WitnessProcess(tmp_path)
    for _ in range(2):
        killer = threading.Timer(random.uniform(0.01, 0.1), witness.process.kill)
        killer.start()
        size = told
        while size < 400:
            try:
                answer = asked(witness.port, log.request(size, size + 1))
            except (OSError, http.client.HTTPException):
                break
            if answer.status == 409:
                size = read_size(answer.body)
            else:
                assert answer.status == 200
                size = told = size + 1
        killer.join()
        witness.process.wait(20)
        witness.start()
        assert size_known(witness.port, log) >= told
    assert told > 0
    assert witness.stop() == 0


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "w" / "key.json"
    made = generate_key(path, NAME)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_key(path).vkey == made.vkey
    with pytest.raises(ConfigurationInvalid, match="cannot be created"):
        generate_key(path, NAME)
    path.chmod(0o640)
    with pytest.raises(ConfigurationInvalid, match="open to others"):
        load_key(path)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", "7", '{"version": 1}', '{"version": 1, "name": "x", "ed25519": "AA=="}', "[" * 99_999]
)
def test_a_damaged_key_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "key.json"
    path.write_text(content, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(ConfigurationInvalid, match="damaged"):
        load_key(path)


@pytest.mark.parametrize("name", ["", "two words", "a+b", "a\nb"])
def test_a_name_that_no_key_may_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationInvalid, match="cannot be used"):
        generate_key(tmp_path / "key.json", name)
    assert not (tmp_path / "key.json").exists()


@pytest.mark.parametrize(
    "line", ["nonsense", "log", "log x+y+z", "years {log}", "all {year}", "log {year} x", "years {cosigner}"]
)
def test_a_line_that_is_no_rule_is_named(tmp_path: Path, line: str) -> None:
    log, year = SmallLog("broker.example/log"), SmallLog("broker.example/log/2026")
    cosigner = new_witness(tmp_path, f"log {log.signer.vkey}")
    text = line.format(log=log.signer.vkey, year=year.signer.vkey, cosigner=cosigner.vkey)
    (tmp_path / "logs.txt").write_text(f"# a comment\n\nlog {log.signer.vkey}\n{text}\n", encoding="utf-8")
    with pytest.raises(ConfigurationInvalid, match="Line 4 "):
        load_logs(tmp_path / "logs.txt")
