"""`broker policy explain`: tells of one interaction what was decided, by which rules, and what they looked at."""

import sys
from collections.abc import Iterator
from typing import Any

import click
from sqlalchemy.orm import Session

from broker.audit.decisions import DECIDED, Judged, Kept, of_interaction
from broker.audit.vocabulary import OPERATOR_LOG
from broker.banks.facts import periods
from broker.cli.audit.database import own_broker
from broker.cli.output import json_option, print_json, printable
from broker.cli.policy.told import sentences
from broker.clock import rfc3339
from broker.policy import Catalogue
from broker.web.words import EVENTS, REASONS

_MOST = 200
_UNKNOWN = "interaction-unknown"
_LONGEST = 400
_KEPT = {
    Kept.NONE: "The log keeps no details of it.",
    Kept.ERASED: "Its details were erased: what it was judged by, and the words of rules, are gone.",
    Kept.UNREADABLE: "Its details do not open with the key file in use.",
}


@click.command()
@click.argument("interaction")
@json_option
def explain(interaction: str, *, as_json: bool) -> None:
    """Tell what was decided under one interaction id (x-fapi-interaction-id), by which rules, and why.

    Read from the logs of all banks. A request that was refused before a person was asked stands in no log.
    Exit code 1: no log names this id.
    """
    wanted = interaction.strip().lower()
    with own_broker() as base, base.database.read() as session:
        found = of_interaction(session, base.sealer, wanted, _MOST + 1)
        told = [_as_json(one, _facts_of(session, base.catalogue, one)) for one in found[:_MOST]]
    if not found:
        if as_json:
            print_json({"interaction": wanted, "error": _UNKNOWN})
        click.echo(f"broker: No log names the interaction {printable(wanted)} ({_UNKNOWN}).", err=True)
        sys.exit(1)
    is_cut = len(found) > _MOST
    if as_json:
        print_json({"interaction": wanted, "entries": told, "more": is_cut})
        return
    click.echo(f"Interaction {printable(wanted)}: {_counted(told, is_cut=is_cut)}.")
    for number, (one, row) in enumerate(zip(found, told, strict=False), start=1):
        click.echo("\n".join(["", *_words(number, one, row)]))


def _facts_of(session: Session, catalogue: Catalogue, one: Judged) -> tuple[bool, int | None]:
    """Say whether an entry's policies are those in force now, and by which version of its bank's facts it was judged.

    The version is None where the files were others.
    """
    bank, digest = one.entry.bank_id, one.entry.policy_digest
    if bank == OPERATOR_LOG:
        return digest == catalogue.digest, None
    found = periods(session, catalogue, bank)
    versions = [period.version for period in found if period.digest == digest]
    return found[-1].digest == digest, versions[-1] if versions else None


def _as_json(one: Judged, facts: tuple[bool, int | None]) -> dict[str, Any]:
    entry = one.entry
    return {
        "log": entry.log,
        "number": entry.number,
        "at": rfc3339(entry.at),
        "event": entry.event.value,
        "decision": entry.decision,
        "bank": entry.bank_id,
        "platform": entry.platform_id,
        "grant": entry.grant_id,
        "category": entry.category,
        "purpose": entry.purpose,
        "attended": entry.attended,
        "reasons": list(entry.reasons),
        "rules": [{"rule": rule, "text": text} for rule, text in one.rules],
        "policy": entry.policy_digest,
        "policyInForce": facts[0] if entry.policy_digest else None,
        "factsVersion": facts[1] if entry.policy_digest else None,
        "details": one.kept.value,
        "context": one.context,
    }


def _counted(told: list[dict[str, Any]], *, is_cut: bool) -> str:
    count = "1 entry" if len(told) == 1 else f"{len(told)} entries"
    return f"{count}, and there are more" if is_cut else count


def _words(number: int, one: Judged, row: dict[str, Any]) -> Iterator[str]:
    entry = one.entry
    yield f"{number}. {EVENTS[entry.event]} (decision: {entry.decision})"
    yield f"   {entry.event.value} at {row['at']}, entry {entry.number} of {entry.log}"
    about = ("bank", "platform", "grant", "category", "purpose")
    yield "   " + ", ".join(f"{name} {printable(row[name])}" for name in about if row[name])
    yield from (f"   {line}" for line in _outcome(one))
    if entry.policy_digest:
        yield f"   {_policies(row)}"
    if one.kept is not Kept.WHOLE:
        yield f"   {_KEPT[one.kept]}"
    if one.context is not None:
        yield "   It was judged by this:"
        yield from (f"   - {sentence}" for sentence in sentences(one.context))


def _outcome(one: Judged) -> Iterator[str]:
    why = "; ".join(map(_reason, one.entry.reasons))
    if one.rules:
        yield "Refused by these rules; the first is what the caller was told:"
        yield from (f"- {printable(text, _LONGEST)} [{printable(rule)}]" for rule, text in one.rules)
    elif one.entry.event not in DECIDED:
        yield "The rules were not asked." + (f" Noted: {why}." if why else "")
    elif one.entry.decision == "allowed":
        yield "No rule refused it."
    elif one.kept is Kept.WHOLE:
        yield f"No rule refused it, but it did not come about: {why}."
    else:
        yield f"Refused: {why}."


def _reason(code: str) -> str:
    words = REASONS.get(code)
    return f"{printable(code)} (the person reads: “{words}”)" if words else printable(code)


def _policies(row: dict[str, Any]) -> str:
    digest = row["policy"][:16]
    if row["policyInForce"]:
        return f"Policies {digest}…: those in force now."
    if row["factsVersion"] is not None:
        return f"Policies {digest}…: the files of now, with version {row['factsVersion']} of the bank's facts."
    return f"Policies {digest}…: not those of now."
