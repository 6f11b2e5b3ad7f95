"""What `broker audit recover` needs to know: is a log contradicted, which head was witnessed last, what comes next."""

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from broker.audit.log_keys import LogKeys
from broker.audit.retention import name_of
from broker.audit.submission import Says, Submission
from broker.audit.tree import listed
from broker.audit.witnesses import Witness, Witnesses
from broker.errors import BankUnavailable, ConfigurationInvalid
from broker.tlog.checkpoint import Checkpoint, open_cosigned
from broker.tlog.errors import Unverifiable
from broker.tlog.witness import checkpoint_path

_OK: Final = 200
_MOST_RECOVERIES: Final = 99


@dataclass(frozen=True, slots=True)
class WitnessedHead:
    """The last head that a witness has cosigned, proved by the log's own signature and the witness's."""

    checkpoint: Checkpoint
    witness: str

    @property
    def stated(self) -> dict[str, Any]:
        """Return what the new log's first entry says of it."""
        root = b64encode(self.checkpoint.root).decode()
        return {
            "origin": self.checkpoint.origin,
            "size": self.checkpoint.size,
            "root": root,
            "witness": self.witness,
        }


def refuse_unless_contradicted(submission: Submission, witnesses: Witnesses, log: str) -> None:
    """Ask the witnesses once more.

    Raises:
        ConfigurationInvalid: none of them contradicts the log, or nobody could be asked.
    """
    said = [submission.submit(witness, log) for witness in witnesses.members]
    if any(one.says is Says.CONTRADICTS for one in said):
        return
    silent = [one.witness for one in said if one.says is Says.UNANSWERED]
    if not said or silent:
        who = f"no answer came from {', '.join(silent)}" if silent else "there are no witnesses in BROKER_WITNESSES"
        raise ConfigurationInvalid(
            f"Nothing is known of this log, because {who}. It stays as it is.", code="log-not-forked"
        )
    raise ConfigurationInvalid("Every witness confirms this log, so it stays in use.", code="log-not-forked")


def last_witnessed(submission: Submission, witnesses: Witnesses, keys: LogKeys, log: str) -> WitnessedHead:
    """Return the largest head of a log that a witness shows with both signatures.

    Raises:
        ConfigurationInvalid: no witness shows one.
    """
    found = [
        WitnessedHead(checkpoint, witness.name)
        for witness in witnesses.members
        if (checkpoint := _shown(submission, witness, keys, log)) is not None
    ]
    if not found:
        raise ConfigurationInvalid("No witness shows its last head of this log.", code="witnesses-unavailable")
    return max(found, key=lambda head: head.checkpoint.size)


def next_name(session: Session, log: str, number: int, now: datetime) -> str | None:
    """Return the name of a log that can follow a contradicted one, the `number`th choice; None when it is taken.

    Raises:
        ConfigurationInvalid: there are no more names for this year.
    """
    if number > _MOST_RECOVERIES:
        raise ConfigurationInvalid("This log has been recovered too often in one year.", code="log-forked")
    parts = name_of(log)
    name = f"{parts.stem}/{now.year}-{number}"
    return None if any(head.origin == name for head in listed(session, parts.owner)) else name


def _shown(submission: Submission, witness: Witness, keys: LogKeys, log: str) -> Checkpoint | None:
    try:
        url, breaker = f"{witness.url}/{checkpoint_path(log)}", f"witness {witness.name}"
        answer = submission.http.get(url, {}, breaker=breaker)
        if answer.status != _OK:
            return None
        checkpoint, opened = open_cosigned(answer.body, [*keys.verifiers(log), witness.verifier], log)
    except (BankUnavailable, Unverifiable):
        return None
    return checkpoint if any(verified.verifier == witness.verifier for verified in opened.verified) else None
