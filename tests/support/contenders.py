"""A process that races others on one database: `python -m tests.support.contenders KIND URL COUNT THREADS`.

KIND `claim` tries to be first with COUNT values and prints how many it won; KIND `append` adds COUNT entries; KIND
`fence` holds the fence of a grant, says so, and waits for its end.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from broker.audit.vocabulary import Entry, Event, Initiator
from broker.crypto.sealing import Sealer
from broker.grants.fence import Fences
from broker.storage.engine import Database
from broker.storage.single_use import Claim, claim
from tests.support.core import KEY, NOON, Watch, sequencer_on


def claims(database: Database, count: int, threads: int) -> int:
    """Let every thread try every value; return how many tries won."""

    def attempt(number: int) -> bool:
        with database.write() as session:
            return claim(session, Claim("dpop", f"value-{number}", NOON + timedelta(minutes=2)))

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(attempt, [number for number in range(count) for _ in range(threads)]))


def appends(database: Database, count: int, threads: int) -> int:
    """Let the threads append `count` entries in all; return how many were acknowledged."""
    sequencer = sequencer_on(database, Sealer(KEY), Watch())

    def attempt(number: int) -> int:
        entry = Entry(Event.ACCESS_REQUESTED, Initiator.DATA_RECIPIENT, "harbor", "alice", details={"n": number})
        return sequencer.append(entry).number

    with ThreadPoolExecutor(threads) as pool:
        return len(set(pool.map(attempt, range(count))))


def holds(database: Database, _count: int, _threads: int) -> int:
    """Hold the fence of the grant "g" until somebody ends this process or its input."""
    with Fences(database).shared("g"):
        sys.stdout.write("held\n")
        sys.stdout.flush()
        sys.stdin.readline()
    return 0


def main() -> None:
    kind, url, count, threads = sys.argv[1:]
    database = Database(url)
    sys.stdin.readline()  # everybody is ready before anybody begins
    race = {"claim": claims, "append": appends, "fence": holds}[kind]
    sys.stdout.write(f"{race(database, int(count), int(threads))}\n")
    database.close()


if __name__ == "__main__":
    main()
