"""`broker audit verify-receipt`: says in plain words what a receipt proves. Offline; needs no broker."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from broker.audit.verification.reading import LARGEST_FILE, read_bounded
from broker.audit.verification.receipts import LARGEST_FILE as LARGEST_RECEIPT
from broker.audit.verification.receipts import Statement, check_body, disclosed_in, statement_of
from broker.audit.verification.standing import standing_of
from broker.cli.audit.remote import log_at
from broker.cli.audit.telling import good, judged
from broker.cli.audit.trusted import trust_of, trust_options
from broker.cli.output import json_option, printable
from broker.clock import microseconds, rfc3339, system_clock

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WORDS = {
    "decision": "decision",
    "platform": "platform",
    "category": "category",
    "purpose": "purpose",
    "grant": "grant",
    "records": "records",
    "accounts": "accounts",
    "reasons": "reasons",
    "interactionId": "interaction",
}


@click.command(name="verify-receipt")
@click.argument("file", type=_FILE)
@trust_options
@click.option("--disclosures", type=_FILE, default=None, help="The disclosures that came with it.")
@click.option("--body", type=_FILE, default=None, help="The answer that it came with, byte for byte.")
@click.option("--log", "url", default=None, help="The log's address: check that it still goes on from the receipt.")
@json_option
def verify_receipt(
    file: Path,
    *,
    keys: tuple[str, ...],
    witnesses: tuple[str, ...],
    quorum: int | None,
    disclosures: Path | None,
    body: Path | None,
    url: str | None,
    as_json: bool,
) -> None:
    """Check a receipt and say what it proves. Exit code 1 when it proves nothing, or proves that the log was changed.

    With --log the quorum is asked of the log's checkpoint: a receipt is mostly older than any cosignature.
    """
    trust = trust_of(keys, witnesses, quorum)
    if body is not None and disclosures is None:
        raise click.UsageError("--body needs --disclosures: what was released is told by a disclosure.")
    with judged(as_json=as_json):
        statement = statement_of(read_bounded(file, LARGEST_RECEIPT), trust if url is None else trust.without_quorum)
        shown: dict[str, Any] = {}
        if disclosures is not None:
            shown = disclosed_in(statement, read_bounded(disclosures, LARGEST_RECEIPT))
        if body is not None:
            check_body(statement, shown, read_bounded(body, LARGEST_FILE))
        told = _lines(statement, shown, is_body_checked=body is not None)
        facts = _facts(statement, shown, is_body_checked=body is not None)
        if url is not None:
            head = standing_of(statement, log_at(url, None), trust, microseconds(system_clock()))
            told.append(f"{'now':<12} the log goes on from there, and has {head.checkpoint.size} entries")
            facts["size_now"] = head.checkpoint.size
        good("\n".join(told), facts, as_json=as_json)


def _lines(statement: Statement, shown: dict[str, Any], *, is_body_checked: bool) -> list[str]:
    fields, receipt = statement.fields, statement.receipt
    rows = [
        ("event", fields.get("event")),
        ("time", _time(fields.get("time"))),
        *((word, fields.get(name)) for name, word in _WORDS.items()),
        ("log", statement.log),
        ("number", f"{statement.number}, of {receipt.checkpoint.size} that the log had when the receipt was made"),
        *(("cosigned", f"by {one.name} at {_time(one.time_s * 1_000_000)}") for one in receipt.cosigners),
        *((f"disclosed {name}", value) for name, value in shown.items()),
        ("body", "is the one that was released" if is_body_checked else None),
    ]
    if not receipt.cosigners:
        rows.append(("cosigned", "by no witness that was named"))
    told = [f"{word:<12} {printable(_text(value), 400)}" for word, value in rows if value is not None]
    return ["The receipt is good: the log is bound to this entry for ever.", *told]


def _facts(statement: Statement, shown: dict[str, Any], *, is_body_checked: bool) -> dict[str, Any]:
    receipt = statement.receipt
    return {
        "log": statement.log,
        "number": statement.number,
        "size": receipt.checkpoint.size,
        "entry": statement.fields,
        "cosigned": [{"name": one.name, "time": one.time_s} for one in receipt.cosigners],
        "disclosed": shown,
        "body": True if is_body_checked else None,
    }


def _text(value: Any) -> str:
    """Write a text as it is, texts with commas between them, and everything else as JSON."""
    texts = value if isinstance(value, list) else [value]
    if all(isinstance(one, str) for one in texts):
        return ", ".join(texts)
    return json.dumps(value, ensure_ascii=False)


def _time(time_us: Any) -> str | None:
    if type(time_us) is not int:
        return None
    try:
        return rfc3339(_EPOCH + timedelta(microseconds=time_us))
    except OverflowError:
        return f"{time_us} µs since 1970"
