"""`broker doctor`: says what is wrong and how to mend it."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import click

from broker.app import build_services
from broker.cli.output import json_option, print_json
from broker.crypto.keyset import load_keyset
from broker.edge.services import Services
from broker.errors import BrokerError
from broker.policy.loading import load_catalogue
from broker.settings import Settings, load_settings
from broker.storage.engine import Database
from broker.storage.schema import check_revision


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check; `problem` is None when all is well."""

    check: str
    problem: str | None


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Check configuration, keys, policies, database and banks; exit code 1 when something is wrong."""
    findings = _examine(load_settings())
    if as_json:
        print_json([{"check": f.check, "ok": f.problem is None, "problem": f.problem} for f in findings])
    else:
        for finding in findings:
            click.echo(
                f"{'ok     ' if finding.problem is None else 'PROBLEM'}  {finding.check}: {finding.problem or 'well'}"
            )
    sys.exit(any(finding.problem for finding in findings))


def _examine(settings: Settings) -> list[Finding]:
    database = Database(settings.database_url)
    findings = [
        _find("keys", lambda: load_keyset(settings.key_file)),
        _find("policies", lambda: load_catalogue(settings.policies_dir)),
        _find("database durability", database.check_durability),
        _find("database revision", lambda: check_revision(database)),
    ]
    if any(finding.problem for finding in findings):
        return findings
    return findings + _banks(build_services(settings))


def _banks(services: Services) -> list[Finding]:
    connectors = services.release.connectors
    return [_find(f"bank {bank_id}", connectors[bank_id].health) for bank_id in connectors]


def _find(check: str, attempt: Callable[[], object]) -> Finding:
    try:
        attempt()
    except BrokerError as error:
        return Finding(check, error.detail)
    return Finding(check, None)
