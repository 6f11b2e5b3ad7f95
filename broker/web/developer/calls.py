"""A platform's calls as its people read them: each with its outcome, its code and the person's pairwise id alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from broker.audit import reader
from broker.audit.reader import LoggedEntry
from broker.edge.services import services
from broker.grants.counts import subjects_of
from broker.web import words
from broker.web.formats import exact
from broker.web.log_rows import collect, paired


@dataclass(frozen=True, slots=True)
class CallMade:
    """One call. `subject` is the pairwise id that the platform knows; `endpoint` is empty where the log has none."""

    entry: LoggedEntry
    endpoint: str
    subject: str
    rules: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Found:
    """Calls, newest first. `older` continues where they end, None at the beginning of the logs."""

    calls: list[CallMade]
    older: str | None


def read(platform_id: str, wanted: Mapping[str, Any]) -> Found:
    """Return the calls of a platform that fit the filter; nothing of any other platform is read."""
    with services().database.read() as session:
        sealer = services().sealer
        batch = collect(lambda page: reader.of_platform(session, sealer, platform_id, page), wanted)
        grant_ids = {entry.grant_id for entry in batch.entries if entry.grant_id}
        subjects = subjects_of(session, platform_id, grant_ids)
    own = [entry for entry in batch.entries if entry.platform_id == platform_id]
    return Found([_call(steps, subjects) for steps in paired(own)], batch.older)


def as_json(call: CallMade) -> dict[str, Any]:
    """Return one call as JSON values."""
    entry = call.entry
    return {
        "time": exact(entry.at),
        "event": entry.event.value,
        "endpoint": call.endpoint or None,
        "category": entry.category,
        "bank": entry.bank_id,
        "decision": entry.decision,
        "codes": list(entry.reasons),
        "rules": [rule for _, rule in call.rules],
        "records": entry.records,
        "attended": entry.attended,
        "grant_id": entry.grant_id,
        "subject": call.subject or None,
        "interaction_id": entry.interaction_id,
    }


def _call(steps: list[LoggedEntry], subjects: Mapping[str, str]) -> CallMade:
    endpoint = next((entry.details["endpoint"] for entry in steps if "endpoint" in entry.details), "")
    return CallMade(steps[0], endpoint, subjects.get(steps[0].grant_id or "", ""), words.rules(steps[0]))
