"""Looks for events that do not reach their receivers."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from broker.cli.doctor.finding import Finding, doubtful, looking, well
from broker.cli.output import counted
from broker.clock import rfc3339
from broker.events.letters import backlogs
from broker.storage.engine import Database

_PATIENCE: Final = timedelta(minutes=5)


def findings(database: Database, now: datetime) -> Iterator[Finding]:
    """Name each receiver for which events have waited for minutes, or were given up."""

    def look() -> Iterator[Finding]:
        with database.read() as session:
            found = backlogs(session, _PATIENCE, now)
        for one in found:
            if one.waiting and one.oldest_at is not None:
                told = f"{counted(one.waiting, 'event')} to {one.receiver} waiting since {rfc3339(one.oldest_at)}."
                mend = "Ask whether it is reachable; `broker events streams` says more. What waits is sent by itself."
                yield doubtful("events", told, mend)
            if one.dead:
                told = f"{counted(one.dead, 'event')} to {one.receiver} given up."
                mend = "`broker events dead` says why; then send them again with `broker events replay`."
                yield doubtful("events", told, mend)
        if not found:
            yield well("events", "Nothing waits for its receiver, nothing was given up.")

    yield from looking("events", look, "Mend the database first.")
