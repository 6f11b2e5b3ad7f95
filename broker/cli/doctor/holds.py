"""Looks for platforms that harvest limits have stopped."""

from collections.abc import Iterator

from broker.cli.doctor.finding import Finding, looking, well, wrong
from broker.clock import rfc3339
from broker.harvest.holds import holds
from broker.storage.engine import Database


def findings(database: Database) -> Iterator[Finding]:
    """Name each hold that stands."""

    def look() -> Iterator[Finding]:
        with database.read() as session:
            found = holds(session)
        for hold in found:
            told = (
                f"{hold.platform_id} gets no {hold.category} since {rfc3339(hold.placed_at)}: "
                f"it read {hold.counted} of {hold.ceiling} ({hold.budget})."
            )
            mend = f"Ask the platform why, then `broker platform unhold {hold.platform_id} --category {hold.category}`."
            yield wrong("harvest limits", told, mend)
        if not found:
            yield well("harvest limits", "No platform is held.")

    yield from looking("harvest limits", look, "Mend the database first.")
