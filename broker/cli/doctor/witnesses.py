"""Looks at the witnesses: configured, answering, and of one history with every log in use."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from broker.app import build_submission
from broker.audit.log_keys import LogKeys
from broker.audit.submission import Says, Statement, Submission
from broker.audit.tree import listed
from broker.audit.witnesses import Witness, Witnesses, configured_witnesses
from broker.cli.doctor.finding import Finding, doubtful, looking, well, wrong
from broker.crypto.keyset import Keyset
from broker.errors import ConfigurationInvalid
from broker.settings import Settings
from broker.storage.engine import Database

_CONFIGURE = "Set BROKER_WITNESSES and BROKER_WITNESS_QUORUM as docs/reference/settings.md says."
_ASK = "Ask whoever runs it whether it is up and knows these logs; docs/how-to/run-a-witness.md says how."
_RECOVER = "Put the newest backup back if there is one; if all else is lost, run `broker audit recover --log <name>`."


def findings(settings: Settings, database: Database, keyset: Keyset | None) -> Iterator[Finding]:
    """Show every witness the newest checkpoint of every current log, all witnesses at once."""

    def look() -> Iterator[Finding]:
        try:
            configured = configured_witnesses(settings)
        except ConfigurationInvalid as error:
            yield wrong("witnesses", error.detail, _CONFIGURE)
            return
        if not configured.members:
            found = "None is configured: nothing would notice that an older copy of the database was put back."
            yield doubtful("witnesses", found, "Let a bank run one: docs/how-to/run-a-witness.md.")
        elif keyset is not None:
            yield from _asked(configured, build_submission(settings, database, LogKeys(keyset.log, keyset.retired_log)))

    yield from looking("witnesses", look, "Mend the database first.")


def _asked(configured: Witnesses, submission: Submission) -> Iterator[Finding]:
    with submission.database.read() as session:
        logs = [head.origin for head in listed(session) if head.is_current]

    def ask(witness: Witness) -> list[Statement]:
        return [submission.submit(witness, log) for log in logs]

    with ThreadPoolExecutor(len(configured.members)) as pool:
        statements = list(pool.map(ask, configured.members))
    for witness, said in zip(configured.members, statements, strict=True):
        yield _told(witness, logs, said)
    yield from _quorum(configured, logs, statements)


def _told(witness: Witness, logs: Sequence[str], said: Sequence[Statement]) -> Finding:
    check = f"witness {witness.name}"
    for log, statement in zip(logs, said, strict=True):
        if statement.says is Says.CONTRADICTS:
            found = f"It has seen another history of {log}; {statement.size} entries are here. {statement.reason}"
            return wrong(check, found, _RECOVER)
    silent = [f"{log} ({one.reason})" for log, one in zip(logs, said, strict=True) if one.says is Says.UNANSWERED]
    if silent:
        return doubtful(check, f"It did not confirm {', '.join(silent)}.", _ASK)
    return well(check, f"Its heads of {len(logs)} logs are ours.")


def _quorum(configured: Witnesses, logs: Sequence[str], statements: Sequence[Sequence[Statement]]) -> Iterator[Finding]:
    for number, log in enumerate(logs):
        count = sum(said[number].says is Says.CONSISTENT for said in statements)
        if count < configured.quorum:
            found = f"{count} of {configured.quorum} have confirmed {log}: a process that starts now releases nothing."
            yield wrong("quorum of witnesses", found, _ASK)
