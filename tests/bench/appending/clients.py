"""One process of clients: each thread appends, waits until its entry is durable, and appends again."""

import json
import random
import sys
import threading
import time

from broker.storage.engine import Database
from tests.bench.appending.ways import WAYS, Append, entry_of

_PEOPLE = 1_000


def run(way: str, url: str, threads: int, seconds: float) -> list[float]:
    """Return the seconds that each append took; the first ten of each thread only warm up."""
    database = Database(url, connections=threads + 2)
    append = WAYS[way](database)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    took: list[float] = []
    until = time.monotonic() + seconds
    running = [threading.Thread(target=_client, args=(append, number, until, took)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    database.close()
    return took


def _client(append: Append, seed: int, until: float, took: list[float]) -> None:
    choice = random.Random(seed)
    while (begun := time.monotonic()) < until:
        append(entry_of(choice.randrange(_PEOPLE)))
        took.append(time.monotonic() - begun)


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))))  # noqa: T201 - for the parent
