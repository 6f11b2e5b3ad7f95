"""Checks a person's proof pack: every receipt, what is disclosed of it, and that no entry about them is left out."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from broker.audit.verification.faults import Fault, Unreadable
from broker.audit.verification.grants import check_grants
from broker.audit.verification.heads import Head, Trust, opened
from broker.audit.verification.packs import files_of
from broker.audit.verification.receipts import Statement, disclosed_in, statement_of
from broker.tlog.errors import Unverifiable
from broker.tlog.merkle import leaf_hash

_MOST_NAMED = 20
_RECEIPTS, _RECEIPT, _DISCLOSURES, _HEADS = "receipts/", ".tlog-proof", "disclosures/", "checkpoints/"


@dataclass(frozen=True, slots=True)
class VerifiedPack:
    """What a good pack proves. `logs` are the logs with the size of each one's checkpoint.

    `grants` is how many stand there with the very terms and notice that the entry of their approval commits to;
    `unproved_grants` names those that the pack lists without that.
    """

    logs: Mapping[str, int]
    entries: int
    disclosed: int
    grants: int
    unproved_grants: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "logs": dict(self.logs),
            "entries": self.entries,
            "disclosed": self.disclosed,
            "grants": self.grants,
            "unproved_grants": list(self.unproved_grants),
        }


def verify_pack(path: Path, trust: Trust | None) -> VerifiedPack:
    """Check a proof pack with the keys that the reader trusts.

    Without any the keys in the pack itself are taken. Then it fits in itself, and whose keys they are remains to be
    asked.

    Raises:
        Fault: a receipt or checkpoint does not verify, something is missing, or what is disclosed does not fit.
        Unreadable: the file is no such pack.
    """
    files = files_of(path)
    index = _index_of(files)
    trust = trust or _own_keys(index)
    statements = {
        name.removeprefix(_RECEIPTS).removesuffix(_RECEIPT): statement_of(data, trust)
        for name, data in files.items()
        if name.startswith(_RECEIPTS)
    }
    for name, statement in statements.items():
        if name != slug_of(statement.log, statement.number):
            _refuse(statement, "receipt-elsewhere", "stands under the name of another entry")
    heads = _heads_of(files, trust)
    _check_heads(statements.values(), heads)
    disclosed = _disclosures_of(files, statements)
    _check_index(index, statements, heads)
    _check_chains(statements.values())
    proved, unproved = check_grants(index["grants"], statements, disclosed)
    sizes = {log: head.checkpoint.size for log, head in sorted(heads.items())}
    return VerifiedPack(sizes, len(statements), sum(map(len, disclosed.values())), proved, unproved)


def slug_of(log: str, number: int | None = None) -> str:
    """Return how a pack names the files of a log, or of an entry of it: `<owner>-<year>[-<number>]`."""
    owner, _, year = log.partition("/audit/")[2].partition("/")
    return f"{owner}-{year}" if number is None else f"{owner}-{year}-{number}"


def _index_of(files: Mapping[str, bytes]) -> dict[str, Any]:
    try:
        index = json.loads(files["pack.json"].decode())
        usable = all(isinstance(index[name], list) for name in ("logs", "grants", "entries", "gaps"))
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise Unreadable("The pack has no usable pack.json.") from error
    if not usable or not isinstance(index, dict):
        raise Unreadable("The pack's pack.json does not list logs, grants, entries and gaps.")
    return index


def _own_keys(index: Mapping[str, Any]) -> Trust:
    try:
        return Trust.of([key for row in index["logs"] for key in row["vkeys"]])
    except (KeyError, TypeError, AttributeError, Unverifiable) as error:
        raise Unreadable("The pack does not name the keys of its logs.") from error


def _heads_of(files: Mapping[str, bytes], trust: Trust) -> dict[str, Head]:
    heads: dict[str, Head] = {}
    for name, data in files.items():
        if name.startswith(_HEADS):
            head = opened(data, trust)
            log = head.checkpoint.origin
            if name != f"{_HEADS}{slug_of(log)}.txt":
                raise Fault("checkpoint-of-another-log", f"{name} is the checkpoint of another log.", log=log)
            heads[log] = head
    return heads


def _check_heads(statements: Iterable[Statement], heads: Mapping[str, Head]) -> None:
    """Two trees of one size that differ are two histories, and nothing shows that a smaller one grew into this one."""
    for statement in statements:
        checkpoint = statement.receipt.checkpoint
        if statement.log not in heads:
            _refuse(statement, "checkpoint-missing", "has a receipt, and the pack has no checkpoint of its log")
        head = heads[statement.log].checkpoint
        if checkpoint.size > head.size:
            _refuse(statement, "log-shrunk", "has a receipt for a longer log than the pack's checkpoint")
        if checkpoint.size < head.size:
            detail = f"has a receipt for the log of {checkpoint.size} entries, not for the pack's checkpoint"
            _refuse(statement, "receipt-outdated", detail)
        if checkpoint.root != head.root:
            _refuse(statement, "log-forked", "stands in another history of the same length than the pack's checkpoint")


def _disclosures_of(files: Mapping[str, bytes], statements: Mapping[str, Statement]) -> dict[str, dict[str, Any]]:
    """Return what is disclosed of each entry, by the name of its files."""
    disclosed: dict[str, dict[str, Any]] = {}
    for name, data in files.items():
        if name.startswith(_DISCLOSURES):
            slug = name.removeprefix(_DISCLOSURES).removesuffix(".json")
            statement = statements.get(slug)
            if statement is None:
                raise Fault("receipt-missing", f"{name} discloses something of an entry without a receipt.")
            disclosed[slug] = disclosed_in(statement, data)
    return disclosed


def _check_index(index: Mapping[str, Any], statements: Mapping[str, Statement], heads: Mapping[str, Head]) -> None:
    for row in index["logs"]:
        if not isinstance(row, dict) or type(row.get("origin")) is not str:
            raise Unreadable("A log in the pack's pack.json has no origin.")
        if row["origin"] not in heads:
            raise Fault(
                "checkpoint-missing", "stands in pack.json and has no checkpoint in the pack", log=row["origin"]
            )
    for row in index["entries"]:
        if not isinstance(row, dict) or type(row.get("origin")) is not str or type(row.get("number")) is not int:
            raise Unreadable("An entry in the pack's pack.json has no origin and number.")
        log, number = row["origin"], row["number"]
        found = statements.get(slug_of(log, number))
        if found is None or found.log != log:
            raise Fault("receipt-missing", "stands in pack.json and has no receipt", log=log, number=number)
    if index["gaps"]:
        detail = f"The pack itself says that entries are missing: {json.dumps(index['gaps'][:_MOST_NAMED])}"
        raise Fault("subject-gap", detail)


def _check_chains(statements: Iterable[Statement]) -> None:
    """Each person's entries of one log are numbered from 0 and name the one before: a gap shows."""
    chains: dict[tuple[str, str], dict[int, Statement]] = {}
    for statement in statements:
        subject, place = statement.fields.get("subject"), statement.fields.get("subjectSeq")
        if type(subject) is str and type(place) is int:
            other = chains.setdefault((statement.log, subject), {}).setdefault(place, statement)
            if other is not statement:
                _refuse(statement, "subject-altered", f"has the place of entry {other.number} in this person's chain")
    for chain in chains.values():
        last = max(chain)
        if len(chain) != last + 1:
            gone = [place for place in range(min(last, 10**6)) if place not in chain]
            named = ", ".join(map(str, gone[:_MOST_NAMED])) + (", …" if len(gone) > _MOST_NAMED else "")
            after = chain[min(place for place in chain if place > gone[0])]
            _refuse(
                after, "subject-gap", f"comes after entries that the pack leaves out: numbers {named} of this chain"
            )
        for place in range(1, last + 1):
            before = urlsafe_b64encode(leaf_hash(chain[place - 1].receipt.leaf)).rstrip(b"=").decode()
            if chain[place].fields.get("subjectPrev") != before:
                _refuse(chain[place], "subject-altered", f"does not commit to entry {chain[place - 1].number}")


def _refuse(statement: Statement, code: str, detail: str) -> NoReturn:
    raise Fault(code, detail, log=statement.log, number=statement.number)
