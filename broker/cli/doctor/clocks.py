"""Holds this machine's clock against others: the log's newest entry, the database server, a bank."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from broker.audit.reader import newest_at
from broker.cli.doctor.finding import Finding, doubtful, looking, well, wrong
from broker.clock import Clock
from broker.storage.condition import clock_of_server
from broker.storage.engine import Database

_TOLD = timedelta(seconds=2)
_TOO_FAR = timedelta(seconds=10)
"""Proofs and assertions of honest callers are refused beyond this (RFC 9449 §11.1)."""
_MEND = "Set the machine's clock right and keep it so (NTP)."


def findings(database: Database, own: Clock, wall: Clock) -> Iterator[Finding]:
    """Compare `own` with the log, and `wall` with the database server where there is one."""

    def log() -> Iterator[Finding]:
        with database.read() as session:
            newest = newest_at(session)
        ahead = newest - own() if newest is not None else timedelta(0)
        if ahead > _TOLD:
            found = f"The log's newest entry is {_seconds(ahead)} ahead of the clock: the clock has been set back."
            yield wrong("clock and log", found, _MEND)
        else:
            yield well("clock and log", "No entry is of a later time than now.")

    def server() -> Iterator[Finding]:
        before = wall()
        told = clock_of_server(database)
        if told is not None:
            yield compared("clock and database", told, before, wall())

    mend = "Mend the database first."
    yield from looking("clock and log", log, mend)
    yield from looking("clock and database", server, mend)


def compared(check: str, told: datetime, before: datetime, after: datetime, grain: timedelta = timedelta(0)) -> Finding:
    """Judge what another clock said between two of our instants; it shows time in steps of `grain`."""
    off = max(before - grain - told, told - after - grain, timedelta(0))
    if off > _TOO_FAR:
        return wrong(check, f"The two are {_seconds(off)} apart, so that honest proofs would be refused.", _MEND)
    if off > _TOLD:
        return doubtful(check, f"The two are {_seconds(off)} apart.", _MEND)
    return well(check, "The two agree.")


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():.0f} s"
