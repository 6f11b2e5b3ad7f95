"""The order of the looks: each uses what the earlier ones could open, and says so when that is not there."""

from collections.abc import Iterator

from broker.cli.doctor import banks, clocks, configuration, keys, log, policies, serving, storage
from broker.cli.doctor.finding import Finding, wrong
from broker.clock import system_clock
from broker.errors import ConfigurationInvalid
from broker.settings import load_repaired


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
        yield from log.findings(keyset, database)
        yield from log.worker(keyset, database, system_clock())
        yield from clocks.findings(database, system_clock)
        yield from banks.findings(settings, database, keyset, catalogue)
        database.close()
    if "BROKER_BASE_URL" not in unusable:
        yield from serving.findings(settings)
