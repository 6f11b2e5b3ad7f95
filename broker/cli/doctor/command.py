"""The command: prints the findings for people or programs; exit code 1 when one of them is an error."""

import sys
from dataclasses import asdict

import click

from broker.cli.doctor.examination import examine
from broker.cli.doctor.finding import Finding, Level
from broker.cli.output import json_option, print_json
from broker.telemetry import configure_logging

_WORDS = {Level.OK: "ok", Level.WARN: "WARNING", Level.ERROR: "PROBLEM"}
_COLOURS = {Level.OK: "green", Level.WARN: "yellow", Level.ERROR: "red"}
_WIDTH = 9


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Say what is wrong with this broker and how to mend it; exit code 1 when something does not work."""
    configure_logging("ERROR")  # what the looks log on their way is told as findings
    findings = []
    for finding in examine():
        findings.append(finding)
        if not as_json:
            _print(finding)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    sys.exit(any(finding.level is Level.ERROR for finding in findings))


def _print(finding: Finding) -> None:
    # click leaves the colours out when the output is not a terminal.
    word = click.style(_WORDS[finding.level].ljust(_WIDTH), fg=_COLOURS[finding.level])
    click.echo(f"{word}{finding.check}: {finding.found}")
    if finding.mend is not None:
        click.echo(f"{' ' * _WIDTH}-> {finding.mend}")
