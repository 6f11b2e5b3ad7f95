"""The order of the looks: each uses what the earlier ones could open, and says so when that is not there."""

from collections.abc import Generator, Iterator

from broker.cli.doctor import (
    banks,
    clocks,
    configuration,
    events,
    holds,
    keys,
    log,
    mail,
    policies,
    serving,
    storage,
    witnesses,
)
from broker.cli.doctor.finding import Finding, wrong
from broker.clock import Clock, system_clock
from broker.errors import ConfigurationInvalid, StorageUnavailable
from broker.settings import Settings, load_repaired
from broker.storage.clock_file import own_clock


def examine() -> Iterator[Finding]:
    """Look at everything and yield the findings as they come."""
    try:
        settings, unusable = load_repaired()
    except ConfigurationInvalid as error:
        yield wrong("configuration", error.detail, "Correct the settings; docs/reference/settings.md explains each.")
        return
    yield from configuration.findings(settings, unusable)
    catalogue = yield from policies.findings(settings)
    keyset = yield from keys.findings(settings, system_clock())
    database = yield from storage.findings(settings)
    if database is not None:
        yield from keys.fit(keyset, database)
        yield from policies.in_force(database, catalogue)
        yield from log.findings(keyset, database)
        own = yield from _own_clock(settings)
        yield from log.worker(keyset, database, own())
        yield from events.findings(database, own())
        yield from holds.findings(database)
        yield from clocks.findings(database, own, system_clock)
        yield from witnesses.findings(settings, database, keyset)
        yield from banks.findings(settings, database, keyset, catalogue)
        database.close()
    if "BROKER_BASE_URL" not in unusable:
        yield from mail.findings(settings)
        yield from serving.findings(settings)


def _own_clock(settings: Settings) -> Generator[Finding, None, Clock]:
    """Return the clock that the log goes by, in a sandbox that was put forward too."""
    try:
        clock = own_clock(settings, system_clock)
        clock()
    except (ConfigurationInvalid, StorageUnavailable) as error:
        yield wrong("clock of the sandbox", error.detail, "Bring the file back, or start over: `make clean-sandbox`.")
        return system_clock
    return clock
