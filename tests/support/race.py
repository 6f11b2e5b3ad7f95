"""Lets several processes race on one database and returns what each says it has achieved."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def contender(kind: str, database_url: str, count: int, threads: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.support.contenders", kind, database_url, str(count), str(threads)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def race(kind: str, database_url: str, *, processes: int, count: int, threads: int) -> list[int]:
    running = [contender(kind, database_url, count, threads) for _ in range(processes)]
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    results = [process.communicate(timeout=60) for process in running]
    assert [process.returncode for process in running] == [0] * processes
    return [int(out) for out, _ in results]
