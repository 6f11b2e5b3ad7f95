"""`python -m tests.bench.verifying [--entries N] [--folder DIR] [--rounds N]`: how fast a log is checked, on one core.

Writes a mirror of realistic entries (about 875 bytes each, two an access, 2,000 people) and checks it as
`broker audit verify --mirror` does: every stored byte hashed, every rule applied. Then a receipt, many times. Prints
each figure with its goal, in seconds of CPU: what others take of the core meanwhile is not the log's.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from broker.audit.verification.heads import Trust
from broker.audit.verification.log import Question, verify_log
from broker.audit.verification.reading import mirror_at
from broker.audit.verification.receipts import statement_of
from broker.tlog.checkpoint import Checkpoint, sign_checkpoint
from broker.tlog.compact_range import EMPTY, grow
from broker.tlog.merkle import leaf_hash
from broker.tlog.tiles import TILE_HEIGHT, TILE_WIDTH, encode_entries, tile_path
from tests.support.forged_log import ORIGIN, SIGNER, Author, publish

_PEOPLE = 2_000
_RECEIPTS = 2_000
_MOST_S, _LEAST_PER_S, _MOST_RECEIPT_MS = 10.0, 150_000, 1.0


def write_log(folder: Path, entries: int) -> int:
    """Write a mirror bundle by bundle, so that memory does not grow; return the bytes of its entries."""
    author, reached, size = Author(people=_PEOPLE), EMPTY, 0
    rows: dict[int, list[bytes]] = {}
    for index in range(-(-entries // TILE_WIDTH)):
        leaves = author.write(min(TILE_WIDTH, entries - index * TILE_WIDTH))
        hashes = [leaf_hash(leaf) for leaf in leaves]
        growth = grow(reached, hashes)
        reached, size = growth.after, size + sum(map(len, leaves))
        for node, value in growth.nodes:
            if node.level % TILE_HEIGHT == 0:
                rows.setdefault(node.level // TILE_HEIGHT, []).append(value)
        _put(folder / tile_path("entries", index, len(leaves)), encode_entries(leaves))
        _put(folder / tile_path(0, index, len(leaves)), b"".join(hashes))
    for level, row in rows.items():
        for start in range(0, len(row), TILE_WIDTH):
            part = row[start : start + TILE_WIDTH]
            _put(folder / tile_path(level, start // TILE_WIDTH, len(part)), b"".join(part))
    _put(folder / "checkpoint", sign_checkpoint(Checkpoint(ORIGIN, entries, reached.root), [SIGNER]))
    return size


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _checked_s(folder: Path, entries: int) -> tuple[float, float]:
    """Return wall and CPU seconds of one check."""
    wall, spent = time.perf_counter(), time.process_time()
    found = verify_log(mirror_at(folder), Question(Trust.of([SIGNER.vkey]), ORIGIN))
    assert found.head.checkpoint.size == entries
    return time.perf_counter() - wall, time.process_time() - spent


def _receipt_ms() -> float:
    """Return the median time of one receipt in a log of 4,096 entries."""
    log, trust, took = publish(Author().write(4_096)), Trust.of([SIGNER.vkey]), []
    receipts = [log.receipt(number) for number in range(_RECEIPTS)]
    for receipt in receipts:
        begun = time.perf_counter()
        statement_of(receipt, trust)
        took.append(time.perf_counter() - begun)
    return statistics.median(took) * 1_000


def _judged(per_s: float, receipt_ms: float) -> Iterator[str]:
    figures = (
        (f"{1_000_000 / per_s:.2f} s for 1,000,000 entries", f"< {_MOST_S:g}", 1_000_000 / per_s < _MOST_S),
        (f"{per_s:,.0f} entries/s", f">= {_LEAST_PER_S:,}", per_s >= _LEAST_PER_S),
        (f"{receipt_ms:.3f} ms for a receipt", f"< {_MOST_RECEIPT_MS:g}", receipt_ms < _MOST_RECEIPT_MS),
    )
    for figure, goal, is_met in figures:
        yield f"verifying   {figure} (goal {goal}): {'met' if is_met else 'NOT met'}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.verifying")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("/dev/shm"), help="in memory, so that the disk is left out")  # noqa: S108 - the caller may choose another
    asked = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    folder = Path(tempfile.mkdtemp(dir=asked.folder, prefix="verifying-"))
    try:
        size = write_log(folder, asked.entries)
        rounds = [_checked_s(folder, asked.entries) for _ in range(asked.rounds)]
    finally:
        shutil.rmtree(folder)
    wall, spent = (statistics.median(values) for values in zip(*rounds, strict=True))
    about = f"{asked.entries:,} entries of {size / asked.entries:.0f} bytes, one core"
    judged = "\n".join(_judged(asked.entries / spent, _receipt_ms()))
    print(f"verifying   {about}: {spent:.2f} s of CPU, {wall:.2f} s by the clock\n{judged}")  # noqa: T201 - the output of a command


if __name__ == "__main__":
    main()
