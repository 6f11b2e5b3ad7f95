"""Looks at the policies: can the files be read, do the processes go by them, are the facts of banks within them."""

from collections.abc import Generator, Iterator

from sqlalchemy.orm import Session

from broker.audit.policy_changes import current_logs, files_told
from broker.banks.facts import newest
from broker.cli.doctor.finding import Finding, doubtful, looking, well, wrong
from broker.errors import ConfigurationInvalid
from broker.policy import Catalogue
from broker.policy.catalogue import BankFacts
from broker.policy.facts import change, within
from broker.policy.loading import load_catalogue
from broker.settings import Settings
from broker.storage.engine import Database


def findings(settings: Settings) -> Generator[Finding, None, Catalogue | None]:
    """Read the policies and return them, None when they cannot be used."""
    try:
        catalogue = load_catalogue(settings.policies_dir)
    except ConfigurationInvalid as error:
        yield wrong(
            "policies",
            error.detail,
            "Correct this file and run `broker policy check`. Who runs already keeps the old set.",
        )
        return None
    count = f"{len(catalogue.categories)} categories, {len(catalogue.purposes)} purposes, {len(catalogue.banks)} banks"
    yield well("policies", f"They can be read: {count}.")
    return catalogue


def in_force(database: Database, catalogue: Catalogue | None) -> Iterator[Finding]:
    """Compare the files with what the logs were told of, and with what the banks have changed."""

    def look() -> Iterator[Finding]:
        if catalogue is None:
            return
        with database.read() as session:
            yield from _told(session, catalogue)
            for bounds in catalogue.banks.values():
                yield from _facts(session, bounds)

    yield from looking("policies in force", look, "Mend the database first.")


def _told(session: Session, catalogue: Catalogue) -> Iterator[Finding]:
    told = {log: files_told(session, log) for log in current_logs(session)}
    others = [log for log, digest in told.items() if digest not in {None, catalogue.digest}]
    if others:
        found = f"These files are not what is judged by: {', '.join(others)} knows of others."
        mend = "Send SIGHUP to `broker serve` and `broker worker`; `policies.kept` in their log says what is wrong."
        yield doubtful("policies in force", found, mend)


def _facts(session: Session, bounds: BankFacts) -> Iterator[Finding]:
    stored = newest(session, bounds)
    check = f"facts of {bounds.bank}"
    if stored is None:
        return
    version, facts = stored
    if facts is None:
        found = f"Version {version} cannot be read, so the bank offers nothing."
        yield wrong(check, found, "Ask the bank's administrators to store their facts anew on the console.")
        return
    cut = change(facts, within(facts, bounds))
    if not cut.is_empty:
        parts = ", ".join(f"{name} {value}" for name, value in cut.to_json().items())
        found = f"Version {version} is wider than banks/{bounds.bank}.yaml and counts only within it: {parts}."
        yield doubtful(check, found, "Tell the bank; it can store facts anew on the console.")
