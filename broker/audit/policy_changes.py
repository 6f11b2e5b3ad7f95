"""Writes into the logs by which policies is judged from now on: the files of a process, the facts of a bank."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import LargeBinary, cast, select
from sqlalchemy.orm import Session

from broker.audit.models import EntryRow, LogState
from broker.audit.retention import name_of
from broker.audit.sequencer import Sequencer
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.banks.facts import in_force
from broker.errors import LogUnavailable
from broker.policy import Catalogue
from broker.policy.catalogue import BankFacts
from broker.policy.facts import Change, to_text

_LONGEST_CHANGE = 320  # bytes as JSON: with all else that stands in the entry it has 1 KB
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of a bank's facts, by whom and why. `version` is the new one, `files` the digest of the files."""

    bank_id: str
    version: int
    change: Change
    facts: BankFacts
    before: str
    after: str
    files: str
    author: str
    reason: str


def tell_logs(sequencer: Sequencer, catalogue: Catalogue, failed_before: Collection[str] = ()) -> tuple[str, ...]:
    """Append `policy.changed` to every current log that was told of other files last, and return those that failed.

    A repetition names those that `failed_before`: what the others were told since is not taken back.

    Raises:
        StorageUnavailable: the database cannot be read.
    """
    failed = []
    for log in sequencer.look_up(lambda session: _untold(session, catalogue.digest, failed_before)):
        try:
            _tell(sequencer, catalogue, log)
        except LogUnavailable as error:
            _log.warning("policies.log_not_told", log=log, code=error.code)
            failed.append(log)
    return tuple(failed)


def facts_entry(edit: Edit, interaction_id: str | None) -> Entry:
    """Describe a change of a bank's facts: openly what changes, sealed by whom, why, and all of the facts."""
    return Entry(
        Event.POLICY_CHANGED,
        Initiator.DATA_PROVIDER,
        bank_id=edit.bank_id,
        interaction_id=interaction_id,
        policy_digest=edit.after,
        reasons=("bank-facts",),
        stated={
            "policyChange": {
                "files": edit.files,
                "before": edit.before,
                "version": edit.version,
                "facts": _short(edit.change),
            }
        },
        details={"author": edit.author, "reason": edit.reason, "facts": json.loads(to_text(edit.facts))},
    )


def files_told(session: Session, log: str) -> str | None:
    """Return the digest of the policy files that a log was told of last, None when it never was."""
    leaves = select(cast(EntryRow.leaf, LargeBinary)).where(EntryRow.log == log)
    about = leaves.where(EntryRow.event == Event.POLICY_CHANGED.value).order_by(EntryRow.number.desc())
    leaf = session.scalar(about.limit(1))
    found = None if leaf is None else json.loads(leaf).get("policyChange")
    told = found.get("files") if isinstance(found, dict) else None
    return told if isinstance(told, str) else None


def current_logs(session: Session) -> list[str]:
    """Return the names of the logs that are written to; by name alone, however damaged one of them is."""
    return list(session.scalars(select(LogState.name).where(LogState.is_current).order_by(LogState.owner)))


def _untold(session: Session, files: str, failed_before: Collection[str]) -> list[str]:
    banks = {name_of(log).bank_id for log in failed_before}  # a year may have ended since: the bank's next log counts
    logs = [log for log in current_logs(session) if not failed_before or name_of(log).bank_id in banks]
    return [log for log in logs if files_told(session, log) != files]


def _tell(sequencer: Sequencer, catalogue: Catalogue, log: str) -> None:
    bank = name_of(log).bank_id
    with sequencer.transaction([bank]) as transaction:
        session = transaction.session
        before = files_told(session, transaction.log_of(bank))  # another process may have been quicker
        if before == catalogue.digest:
            return
        rules = in_force(session, catalogue, bank) if bank is not None else None
        change = {"files": catalogue.digest, "before": before, "version": rules.version if rules else None}
        transaction.append(
            Entry(
                Event.POLICY_CHANGED,
                Initiator.DATA_ACCESS_PLATFORM,
                bank_id=bank,
                policy_digest=rules.catalogue.digest if rules else catalogue.digest,
                reasons=("policy-files",),
                stated={"policyChange": {name: value for name, value in change.items() if value is not None}},
            )
        )


def _short(change: Change) -> Mapping[str, Any]:
    """Return what changes; of very long lists only how much, for the whole stands among the details."""
    told = change.to_json()
    if len(json.dumps(told)) <= _LONGEST_CHANGE:
        return told
    return {name: len(value) if name in {"categories", "purposes"} else value for name, value in told.items()}
