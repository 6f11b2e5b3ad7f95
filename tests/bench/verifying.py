"""`python -m tests.bench.verifying [--entries N] [--folder DIR] [--rounds N]`: how fast a log is checked, on one core.

Writes a mirror of realistic entries (about 875 bytes each, two an access, 2,000 people) and checks it as
`broker audit verify --mirror` does: every stored byte hashed, every rule applied. Then a receipt, many times.
"""

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
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


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.verifying")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("/dev/shm"), help="in memory, so that the disk is left out")  # noqa: S108
    asked = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    folder = Path(tempfile.mkdtemp(dir=asked.folder, prefix="verifying-"))
    try:
        size = write_log(folder, asked.entries)
        rounds = [_checked_s(folder, asked.entries) for _ in range(asked.rounds)]
    finally:
        shutil.rmtree(folder)
    wall, spent = (statistics.median(values) for values in zip(*rounds, strict=True))
    print(  # noqa: T201 - a program of the bench
        json.dumps(
            {
                "entries": asked.entries,
                "bytes an entry": round(size / asked.entries),
                "seconds": round(wall, 2),
                "CPU seconds": round(spent, 2),
                "entries/s": round(asked.entries / wall),
                "receipt ms": round(_receipt_ms(), 3),
            }
        )
    )


if __name__ == "__main__":
    main()
