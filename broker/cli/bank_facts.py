"""`broker bank facts`: what a bank offers, and what its own staff has changed."""

from typing import Any

import click

from broker.banks import facts as bank_facts
from broker.banks.facts import Version
from broker.cli.audit.database import own_broker
from broker.cli.output import json_option, print_json, print_rows, printable
from broker.clock import rfc3339
from broker.errors import NotFound
from broker.policy import Catalogue
from broker.policy.catalogue import BankFacts
from broker.policy.facts import FIGURES

_COLUMNS = ("fact", "in force", "at most")
_VERSIONS = ("version", "at", "by", "reason", "categories", "purposes")


@click.group()
def facts() -> None:
    """Look at what a bank offers."""


@facts.command()
@click.argument("bank_id")
@json_option
def show(bank_id: str, *, as_json: bool) -> None:
    """Show what a bank offers now, and what its file allows at most."""
    with own_broker() as base, base.database.read() as session:
        bounds = _bounds(base.catalogue, bank_id)
        rules = bank_facts.in_force(session, base.catalogue, bank_id)
    present, most = _told(rules.catalogue.banks[bank_id]), _told(bounds)
    if as_json:
        print_json({"version": rules.version, "policy": rules.catalogue.digest, "facts": present, "bounds": most})
        return
    print_rows(
        _COLUMNS, [{"fact": name, "in force": _text(present[name]), "at most": _text(most[name])} for name in most]
    )
    click.echo(f"Version {rules.version}; policy digest {rules.catalogue.digest}.")


@facts.command()
@click.argument("bank_id")
@json_option
def history(bank_id: str, *, as_json: bool) -> None:
    """List the versions of a bank's facts, newest first, as its staff stored them."""
    with own_broker() as base, base.database.read() as session:
        versions = bank_facts.history(session, base.sealer, _bounds(base.catalogue, bank_id))
        rows = [_row(version) for version in versions]
    if as_json:
        print_json(rows)
    else:
        print_rows(_VERSIONS, [{name: _text(row[name]) for name in _VERSIONS} for row in rows])


def _bounds(catalogue: Catalogue, bank_id: str) -> BankFacts:
    if bank_id not in catalogue.banks:
        raise NotFound("There are no facts for this bank among the policies.")
    return catalogue.banks[bank_id]


def _row(version: Version) -> dict[str, Any]:
    told = _told(version.facts) if version.facts else dict.fromkeys(("categories", "purposes", *FIGURES))
    return {
        "version": version.version,
        "at": rfc3339(version.at),
        "by": version.author,
        "reason": version.reason,
        **told,
    }


def _told(facts: BankFacts) -> dict[str, Any]:
    return {
        "categories": sorted(facts.categories),
        "purposes": sorted(facts.purposes),
        **{name: getattr(facts, name) for name in FIGURES},
        "joint_accounts": facts.joint_accounts,
    }


def _text(value: Any) -> str:
    """Write a value in one cell; staff wrote some of them."""
    if value is None:
        return "unreadable"
    return printable(", ".join(value) if isinstance(value, list) else str(value), longest=500)
